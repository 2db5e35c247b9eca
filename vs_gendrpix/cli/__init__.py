"""The command line: arguments -> settings -> one call; exit codes.

main.py     the command `gendrpix-video`
options.py  its options
"""
