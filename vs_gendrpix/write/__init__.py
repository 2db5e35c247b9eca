"""Encode frames, write them into a file, check it and give it its name.

profiles.py     what an output is for: encoders and their settings
color_tags.py   what the files of an encoder tell of colour
encoder.py      an encoder, chosen, configured and tried
container.py    frames and carried streams into a file, verified
pictures.py     frames into numbered pictures
output.py       temporary name, sync, publish
hdr_options.py  where encoders are told of the grading
"""
