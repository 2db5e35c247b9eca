"""Presentation times of a file's pictures, from its packets.

index.py    a file read once: its times, and where its clock starts again; index_text.py: that as
            text, which the workers of a job share
parts.py    the parts that a clock which starts again makes; joins.py: where they meet
pace.py     how many pictures there are a second
steady.py   times that containers have rounded; lone.py: single ones that are wrong
times.py    the time of each picture that is decoded
"""
