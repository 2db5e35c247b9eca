"""A video: planned as a value, run, reported.

plan.py      Plan and make_plan: look at the input once, settle everything
run.py       run(plan): the main path: read, restore, write
spanned.py   the frames of a part: moved to their times, compared where parts meet
open.py      what the user names -> what reads it, what writes it
survey.py    the range of a preview or a still, the picture between bars
prepare.py   filters before and after; grading.py: whether an HDR clip may pass
formats.py   which frames come out
prefetch.py  an iterator run ahead in a thread
progress.py  tells the user how far it is; total.py: of how many frames; rate.py: how fast
report.py    the result as values; record.py: the result as JSON
segments/    a video cut into parts that are made in any order, resumed, joined
batch/       many videos, one after the other
"""
