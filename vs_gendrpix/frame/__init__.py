"""Plain values of a frame and a clip: no torch, no PyAV.

format.py    a frame: its size, layout, colour, planes and time
clip.py      a clip of frames: rate, orientation, HDR metadata
sequence.py  numbered pictures: their files and names
transfer.py  transfers that the user declares, for want of a number in H.273
target.py    the format of what comes out: one rule for both front ends
area.py      a part of a frame, cut out and put back
span.py      a part of a clip, with the frames around it that filters need
projection.py  how spherical video lies on its sphere
timecode.py  SMPTE timecodes
scan_header.py  timecode and rate in the headers of DPX and OpenEXR pictures
captions.py  closed captions, from the input's frames to the output's
notes.py     warnings and damage, gathered while a job runs
"""
