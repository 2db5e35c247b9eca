"""One video: what is to be done, the run, its report.

run.py       the main path: read, restore, write
inputs.py    what the user names as input -> what reads it; targets.py: the same for the output
survey.py    looks before the work: the range of a preview, the picture between bars
prepare.py   filters before and after; grading.py: whether an HDR clip may pass
prefetch.py  an iterator run ahead in a thread; waits.py: which part the others wait for
progress.py  tells the user how far it is
report.py    the result as values; record.py: the result as JSON
"""
