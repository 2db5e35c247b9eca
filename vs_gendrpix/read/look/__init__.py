"""Looks at a clip before the work.

bars.py     where black bars end
fields.py   progressive, interlaced or telecined
changes.py  changes of the picture's format in mid-clip, by keyframes or by headers.py
"""
