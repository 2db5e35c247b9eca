"""The command gendrpix-video: one call, an exit code, and one line on what went wrong."""

import argparse
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from vs_gendrpix.cli.options import PROGRAM, output, parser, settings
from vs_gendrpix.errors import GendrpixError
from vs_gendrpix.job.progress import Bar, JsonLines, Plain, Progress

BUG, TERMINATED, INTERRUPTED, NO_MEMORY = 70, 75, 130, 6


class _Terminated(BaseException):
    """SIGTERM came; not an Exception, so that nothing takes it for a failure of its own."""


class _Handler(logging.Handler):
    """Writes log lines beside a bar, and warnings as events too."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        level = record.levelname.lower()
        _say(f"{level}: {record.getMessage()}")
        if record.levelno == logging.WARNING:
            self._progress.warning(record.getMessage())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None takes the process's.

    Returns:
        The exit code, see `--help`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    verbose = False
    in_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, _terminate) if in_main_thread else None
    try:
        options = parser().parse_args(arguments)
        verbose = options.verbose
        return _run(options)
    except KeyboardInterrupt:
        return _fail("interrupted; nothing was published", INTERRUPTED, verbose=verbose)
    except _Terminated:
        return _fail("terminated; nothing was published", TERMINATED, verbose=verbose)
    except GendrpixError as error:
        return _fail(str(error), error.exit_code, verbose=verbose)
    except MemoryError:
        return _fail("out of memory: use a smaller scale", NO_MEMORY, verbose=verbose)
    except Exception as error:  # noqa: BLE001 - the process ends here: 1 would read as "finished"
        what = f"{type(error).__name__}: {error}"
        return _fail(f"a fault of the program ({what}); run with -v", BUG, verbose=verbose)
    finally:
        if in_main_thread:  # a caller in another thread handles signals itself
            signal.signal(signal.SIGTERM, before)


def _run(options: argparse.Namespace) -> int:
    """Do what the options say."""
    chosen = settings(options)
    progress = _progress(options)
    handler = _Handler(progress)
    handler.setLevel(_level(options))
    loggers = [logging.getLogger(name) for name in ("vs_gendrpix", "py.warnings")]
    logging.captureWarnings(capture=True)
    for logger in loggers:
        logger.addHandler(handler)
    loggers[0].setLevel(logging.INFO)
    try:
        # The processor loads av, and torch once the paths are good: --help shall be quick.
        from vs_gendrpix.job.run import process  # noqa: PLC0415

        report = process(options.input, output(options), chosen, progress=progress)
        return report.exit_code
    finally:
        progress.close()
        for logger in loggers:
            logger.removeHandler(handler)
        logging.captureWarnings(capture=False)


def _progress(options: argparse.Namespace) -> Progress:
    """Who tells the user how far it is."""
    kind = options.progress
    if kind == "json":
        return JsonLines(sys.stdout)
    if kind == "none" or options.quiet:
        return Progress()
    if kind == "auto":
        kind = "bar" if sys.stderr.isatty() else "plain"
    return Bar() if kind == "bar" else Plain()


def _level(options: argparse.Namespace) -> int:
    """From which level on log lines are shown."""
    if options.quiet:
        return logging.ERROR
    return logging.INFO if options.verbose else logging.WARNING


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """The handler of SIGTERM: end the program as Ctrl-C does."""
    del number, frame
    raise _Terminated


def _fail(message: str, code: int, *, verbose: bool) -> int:
    """Say why it ended, with the trace if the user wants to know all."""
    if verbose:
        traceback.print_exc()
    _say(message)
    return code


def _say(message: str) -> None:
    """One line on the standard error stream, whatever characters a file's name has."""
    line = " ".join(f"{PROGRAM}: {message}".split())
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


if __name__ == "__main__":
    sys.exit(main())
