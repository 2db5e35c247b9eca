"""PyAV's objects as our values.

pixels.py   pixel formats; a picture <-> planes
filters.py  frames through a graph of FFmpeg's filters
shape.py    the pixel aspect ratio of a decoded picture
hdr.py      HDR metadata of a decoded picture; display_matrix.py: how it is turned;
            immersive.py: stereoscopy and projection
faults.py   whatever PyAV raises while an input is read, as our error
frame_data.py  what else a picture has that is lost; captions.py: its closed captions
log.py      the lines that libav logs
values.py   rationals, names, versions
"""
