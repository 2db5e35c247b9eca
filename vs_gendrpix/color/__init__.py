"""What code values mean, on tensors: planes in, R'G'B' out, and back.

codes.py          codes <-> R'G'B': matrix, range, chroma siting, dither
primaries.py      primaries and transfer curves
working_space.py  the space in which a network sees a picture
"""
