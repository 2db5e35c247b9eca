"""Compare clips or pictures in a page for the browser: paths in, an HTML page out.

command.py      the main path: measure, choose, take pictures, write the page
sides.py        what is compared: opened, as pictures of one size
pairing.py      which frames belong together, by time or by number
measuring.py    the measures of every pair of frames
choosing.py     which frames the page shows
pictures.py     frames as PNG, and their small previews
facts.py        what is known of a file, for the table
page.py         the page, in one file
web/            its HTML, CSS and JavaScript; vendor/ holds others' work, with licences
"""
