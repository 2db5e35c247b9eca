"""Encode frames, write them into a file, check it and give it its name.

writer.py        `open_writer`: what writes frames to an output
encoder.py       frames -> packets
container.py     packets and carried streams -> a file; verification.py reads it again
description.py   what PyAV cannot tell the muxer: matroska.py, isobmff.py put it into the file
pictures.py      frames -> numbered pictures
output.py        temporary name, sync, publish
profiles.py      what an output is for; choosing.py: which encoder and pixel format that means
configuring.py   how an encoder is set up, and told of the grading by hdr_options.py
trial.py         one frame encoded before the work begins
color_tags.py    what the files of an encoder tell of colour
"""
