"""The streams and tags beside the picture: sound, subtitles, chapters, attachments.

An input's streams -> plan.py: what becomes of each, as a value -> copy.py: into the output.

plan.py     decides, before anything is written; actions.py: what is decided about one stream
copy.py     adds the streams to an output and moves their packets there
packets.py  the packets of a part of the input, with times that muxers accept
inventory.py  what a file has beside packets, compared with what has become of it
trial_muxer.py  refuses a bad packet before the output gets it
convert.py  sound and subtitles that the output's container cannot hold
tags.py     tags, languages, chapters and timecodes that stay true in another file
timecodes.py  decides with which timecode the output begins
"""
