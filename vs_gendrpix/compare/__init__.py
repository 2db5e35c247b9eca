"""Compare clips or pictures in a page for the browser: paths in, an HTML page out.

command.py      whole clips or pictures, as the user names them
making.py       the main path: measure, choose, take pictures, write the page
destination.py  the page's file, and the folder of its pictures
sides.py        what is compared: opened, as pictures of one size
pairing.py      which frames belong together, by time or by number
measuring.py    the measures of every pair of frames
choosing.py     which frames the page shows
pictures.py     frames as PNG, and their small previews
facts.py        what is known of a file, for the table
page.py         the page, in one file
progress.py     how far it is: a bar, or a line now and then
trial/          looks at one clip, restores parts of it in a few ways, and compares these
web/            its HTML, CSS and JavaScript; vendor/ holds others' work, with licences
"""
