"""The command line: arguments -> settings -> one call; exit codes.

main.py      `gendrpix COMMAND`: the table of commands
command.py   the manners of all commands: help, one-line errors, exit codes, signals, log
video.py     restore a video; also `gendrpix-video`
options.py   the flags of the settings
models.py    list models, show their cards
evaluate.py  compare a model with resizes
train.py     train a model by a recipe
"""
