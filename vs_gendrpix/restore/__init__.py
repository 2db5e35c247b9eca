"""Frames in, restored frames out, on one device or more.

engine.py       devices and their restorers, for many clips: clip(source, target) -> lanes
lanes.py        one clip: queue, batches, repeated frames; submit(frame) -> future, map(frames)
staging.py      pinned ring of buffers, three streams: upload, compute, download
way.py          the way of a frame on the device, in named steps: planes in, planes out
tiles.py        where tiles lie, and a restorer run over them
ladder.py       what to try when memory runs out
cuda_graphs.py  a network's launches, recorded and played as one
color_fix.py    the input's low-frequency colour for the output; grain.py: its grain
beside.py       the source and its result in one picture
"""
