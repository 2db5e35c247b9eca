"""Frames to packets, by the encoder that an output wants.

encoder.py      frames -> packets
profiles.py     what an output is for; choosing.py: which encoder and pixel format that means
configuring.py  how an encoder is set up, and told of the grading by hdr_options.py
trial.py        one frame encoded before the work begins
color_tags.py   what the files of an encoder tell of colour
"""
