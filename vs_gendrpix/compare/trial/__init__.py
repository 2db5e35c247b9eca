"""Try a clip: path in; what was found, a few ways to restore it and the page of `compare` out.

command.py     the main path: look, choose, restore, estimate, write the page
look.py        what is seen of the clip, in short runs all over it
damage.py      noise, blocking and softness of a frame
findings.py    what was seen -> findings: numbers, and what they mean in words
places.py      the four frames and the second that are restored
candidates.py  findings -> three to five ways to restore, and which one the rule recommends
restoring.py   restores the places in one way, as the whole job would
estimate.py    time and size of the whole job
"""
