"""The exceptions of this package and the exit code that each one means.

    GendrpixError                      70  an unexpected fault: please report it
    * SettingsError (ValueError)        2  a bad argument, or an encoder that fails its trial
    * MediaError (ValueError)           3  the input cannot be read or is not supported
    * OutputError (OSError)             4  the output is refused or cannot be written
    * ModelError (ValueError)           5  a model file is bad or missing
    * DeviceError (RuntimeError)        6  no such device, or out of memory
    * VerificationError (RuntimeError)  7  the result is not what it must be
    * ResourceError (OSError)          75  temporary: the disk is full; run again

Further exit codes of the command line: 0 finished and verified; 1 finished, but the input was
damaged or its times had to be made up, and the report lists where; 75 also for SIGTERM; 130
interrupted (SIGINT). A message is one line: what was attempted, what was found, what to do.
"""


class GendrpixError(Exception):
    """Base of every error that this package raises on purpose."""

    exit_code = 70


class SettingsError(GendrpixError, ValueError):
    """A setting is out of its range or contradicts another one."""

    exit_code = 2


class MediaError(GendrpixError, ValueError):
    """The input cannot be read, holds no usable video, or is of an unsupported kind."""

    exit_code = 3


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
