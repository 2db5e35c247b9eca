"""What lies beside the picture: sound, subtitles, chapters, attachments.

plan.py     what becomes of each stream; actions.py: how that is reported
copy.py     packets from the input to the output
convert.py  sound and subtitles that the output's container cannot hold
"""
