"""The command line: arguments -> settings -> one call; exit codes.

main.py      `gendrpix COMMAND`: the table of commands
command.py   the manners of all commands: help, one-line errors, exit codes, log
options.py   the flags of the settings
terminal/    messages, progress and signals
video.py     restore a video; also `gendrpix-video`; batch.py: several videos
a command    in a file of its own name; jobs.py holds plan, work, finish and status
"""
