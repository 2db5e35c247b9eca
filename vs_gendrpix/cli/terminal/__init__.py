"""The terminal side of a command: messages and progress out, signals in.

console.py   the standard streams: one line, also as the process ends
display.py   the progress, as the options ask for it
signals.py   Ctrl-C and the like, as cancellation and exit codes
"""
