"""Open an input and give its frames.

opening.py   a local file, a video, within limits
source.py    its frames in order; reader.py: its frames by number
sequence.py  numbered pictures
look/        looks at a clip before the work
"""
