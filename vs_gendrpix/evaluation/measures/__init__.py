"""Measures: a result, its input or its reference in; a number out. None knows a method.

fidelity.py, ssimulacra.py       closeness to a reference
perceptual.py, features.py       distance in the features of a classifier (SqueezeNet, EfficientNet)
spectra.py, texture.py           texture that was invented, woven or lost
blocks.py, grid.py, outlines.py  traces of a codec, of a network's tail, of a sharpener
colour.py                        colour in a picture that has none
naturalness.py                   NIQE, which needs no reference
temporal.py, warping.py          change from frame to frame
video_quality.py                 VMAF and XPSNR, of clips
parameters/                      the numbers of SqueezeNet and of NIQE, with their licences
"""
