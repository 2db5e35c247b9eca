"""The terminal side of a command: messages and progress out, signals in.

console.py   the standard streams: one line, also as the process ends
completion.py  a script by which a shell completes the commands
display.py   the progress, as the options ask for it
signals.py   Ctrl-C and the like, as cancellation and exit codes
"""
