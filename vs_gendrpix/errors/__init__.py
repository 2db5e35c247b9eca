"""The exceptions of this package, and the exit codes of its commands.

failure.py says of an exception what the user reads; cancellation.py asks work to end.

    GendrpixError
    * SettingsError (ValueError)
    * MediaError (ValueError)
      * NoFramesError
    * OutputError (OSError)
    * ModelError (ValueError)
    * DeviceError (RuntimeError)
    * VerificationError (RuntimeError)
    * ResourceError (OSError)

A message is one line: what was attempted, what was found, what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

EXIT_CODES = {
    0: "finished and verified",
    1: "finished, but the input was damaged or changed, or no report was written; see the warnings",
    2: "a bad argument, or an encoder that fails its trial",
    3: "the input cannot be read or is not supported",
    4: "the output is refused, or cannot be written",
    5: "the model is bad or missing",
    6: "no such device, or out of memory",
    7: "the result failed its check; nothing was published",
    70: "a fault of the program: please report it",
    75: "stopped for a while (disk full, SIGTERM, SIGHUP): run it again",
    130: "interrupted (Ctrl-C)",
}
"""Every exit code of a command, and its meaning: the only table, which --help and docs/ print."""

FAULT, TERMINATED, INTERRUPTED = 70, 75, 130
"""The codes of what is no error here: an unexpected exception, SIGTERM or SIGHUP, SIGINT."""

UNWRITABLE = (OSError, ValueError, AttributeError)
"""Exceptions of a standard stream that is closed, full, without a reader, or None."""


def one_line(message: str) -> str:
    """A message as one line that is safe to show on a terminal.

    Names in it come from files. White space is joined; control characters, marks that turn the
    direction of text, and bytes that are no text are written as Python's escapes.
    """
    line = " ".join(message.split())
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)


class GendrpixError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = FAULT


class SettingsError(GendrpixError, ValueError):
    """A setting is out of its range or contradicts another one."""

    exit_code = 2


class MediaError(GendrpixError, ValueError):
    """The input cannot be read, holds no usable video, or is of an unsupported kind."""

    exit_code = 3


class NoFramesError(MediaError):
    """The input has no frame in the range that is wanted, or none that can be decoded."""


class OutputError(GendrpixError, OSError):
    """The output path is refused, or the encoder or the muxer failed."""

    exit_code = 4


class ModelError(GendrpixError, ValueError):
    """A model is missing, malformed or not trustworthy."""

    exit_code = 5


class DeviceError(GendrpixError, RuntimeError):
    """A device is missing, unsuitable or out of memory."""

    exit_code = 6


class VerificationError(GendrpixError, RuntimeError):
    """A result failed its check: a frame is not finite, or a file is not whole."""

    exit_code = 7


class ResourceError(GendrpixError, OSError):
    """Something outside ran out, such as disk space: free it and run the same command again."""

    exit_code = 75


@contextmanager
def needs_extra(name: str, module: str | None = None) -> Iterator[None]:
    """Turn a failed import in the `with` block into an error that names the extra to install.

    Args:
        name: The extra.
        module: One of its modules to import before the block, which may take seconds to load
            others.

    Raises:
        SettingsError: A module is missing.
    """
    try:
        if module is not None:
            import_module(module)
        yield
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} is missing: in the checkout, pip install '.[{name}]'"
        ) from error
