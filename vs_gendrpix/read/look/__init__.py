"""Examine a clip before the work: black bars, fields, changes of the picture.

bars.py     where black bars end
fields.py   progressive, interlaced or telecined
changes.py  changes of the picture's format in mid-clip, by keyframes or by headers.py
rounding.py how coarsely the codec has rounded
scans.py    the timecode and the rate of DPX and OpenEXR pictures
"""
