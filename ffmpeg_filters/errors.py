"""The exceptions of this package.

    FilterError
    * GraphError (ValueError)            a graph, or a value in it, is wrong
    * MissingFilterError (LookupError)   no runner at hand has a filter; the message says which has
    * RunError (RuntimeError)            a runner failed; it carries the command and its last lines

A message is one line: what was attempted, what was found, what to do.
"""


class FilterError(Exception):
    """Base of every error that this package raises on purpose."""


class GraphError(FilterError, ValueError):
    """A graph cannot be parsed or configured, or a filter does not take a value."""


class MissingFilterError(FilterError, LookupError):
    """A filter that the chosen runner does not have."""


class RunError(FilterError, RuntimeError):
    """A runner failed in the middle of its work.

    Attributes:
        command: What was run: the program's arguments, or the graph for libavfilter in-process.
        lines: The last lines that it wrote.
    """

    def __init__(self, message: str, *, command: tuple[str, ...], lines: tuple[str, ...]) -> None:
        super().__init__(message)
        self.command = command
        self.lines = lines
