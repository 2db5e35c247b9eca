"""A job cut into segments: made in any order, by any number of workers, resumed, and joined.

cutting.py   where a clip is cut, and the frames around each segment that filters need
job_plan.py  the plan of such a job as a value: what must be the same for all who work on it
folder.py    the folder of a job: its plan, finished segments with their manifests, the ledger
manifest.py  what was made of a segment, by whom, and how it is known again
lease.py     who works on a segment: claimed, kept alive, taken over from the dead
seams.py     whether segments go on from each other, though each is decoded by itself
work.py      make segments, one after the other, until none is left
attempt.py   where one try at a segment is written
finish.py    join them without encoding again, add what lies beside the picture, publish
supervisor.py  looks after workers: who died or hangs, what is tried again
local_workers.py, ray_workers.py  processes on this machine; actors on a Ray cluster
process.py   all of that for the plain command: a job that goes on where it stopped
status.py    how far a job is
"""
