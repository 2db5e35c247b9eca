"""Evaluation of restored pictures: samples and methods in, tables of scores and sheets out.

samples.py      a sample (a picture is a clip of one frame) and a set of them
sets.py, clips.py, degradation.py   where samples come from
methods.py      what enlarges them: resizes, our models, other networks
measures/       one file a measure
judge.py        the measures by name, and which of them a set asks for
table.py, comparison.py, sheet.py   the mean scores of a set, its table, crops for the eye
command.py      the work of `gendrpix evaluate`
"""
