"""Pairs to learn from: a degraded picture, the clean one, and a teacher's result.

pairs.py         item i, made from its number; stored_pairs.py: made beforehand, used again
degradations.py  what old film and video does to a picture; film.py, codecs.py: parts of it
teacher.py       the network that is learnt from
settings.py      how many are stored, and who labels them
draw.py          random numbers that follow from a seed
"""
