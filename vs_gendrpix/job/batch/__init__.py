"""Many clips, one after the other: found in folders, restored with one engine, summed up.

clips.py     which clips there are, and the name of each one's output
arrivals.py  a folder that is watched: what arrives in it, once it is complete
record.py    which outputs are finished, and from what and how they were made
run.py       the main path: clip after clip, past the failure of any
summary.py   how it went, as a value and as lines
progress.py  tells the user which clip it is, and how many there are
"""
