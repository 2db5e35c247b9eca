"""Open an input and give its frames.

input.py     what can be restored: an opened input that gives frames and can be looked at
opening.py   a local file, a video, within limits; pipe.py: the standard input, read twice
clip.py      an opened video; decoder.py: its packets decoded past any damage, cut.py and
             missing.py: what is not there
timing/      when each picture is shown
source.py    frames in order; reader.py: frames by number
alike.py     pictures that change midway, made like the first; fields_apart.py: fields that come
             in packets of their own
state.py     whether an input is still the one that was looked at
lists.py     lists of files, which are refused
look/        looks at a clip before the work
"""
