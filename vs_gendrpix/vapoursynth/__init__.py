"""The front end for VapourSynth.

filter.py   the filter: a clip in, a restored clip out
formats.py  its formats and frame properties as ours
core.py     errors as VapourSynth shows them, closing with a script
source.py   a source for scripts; script.py: a script as an input
scaler.py   a scaler for vsjetpack
"""
