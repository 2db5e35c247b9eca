"""Encode frames, write them into a file with what lay beside them, check it and give it its name.

writer.py        `open_writer`: what writes frames to an output
encoding/        frames -> packets
carry/           sound, subtitles, chapters and tags of the input -> packets
container.py     packets and carried streams -> a file; verification.py reads it again
description.py   what PyAV cannot tell the muxer: matroska.py, isobmff.py put it into the file
pictures.py      frames -> numbered pictures; picture_comment.py: what has made them
joining.py       files of segments -> one
output.py        temporary name (part.py), sync and publish (publishing.py)
"""
