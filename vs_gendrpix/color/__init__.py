"""Colour on tensors: planes of code values in, R'G'B' out, and back.

codes.py          codes <-> R'G'B': matrix, range, chroma siting, dither
neutral.py        pictures without colour, which stay so
primaries.py      primaries and transfer curves
log_curves.py     logarithmic curves of film scans and cameras
working_space.py  the space in which a network sees a picture
"""
