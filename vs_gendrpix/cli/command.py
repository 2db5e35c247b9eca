"""The manners of every command: help with examples, one-line errors, exit codes, signals."""

import argparse
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from types import FrameType
from typing import NoReturn

from vs_gendrpix.errors import (
    EXIT_CODES,
    FAULT,
    INTERRUPTED,
    TERMINATED,
    DeviceError,
    GendrpixError,
    OutputError,
    SettingsError,
    one_line,
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage in front of them."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments."""
        raise SettingsError(f"{message} (see {self.prog} --help)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: what `--help` says of it, its arguments, and its work.

    Attributes:
        purpose: One line for the list of commands, in lower case and without a full stop.
        description: What it does, for its own help.
        examples: Argument lists, each with what it does.
        add_arguments: Adds the arguments to a parser.
        run: Does the work; returns the exit code. It imports what is heavy itself, so that `--help`
            is quick.
        timed_log: Whether the log is shown from level INFO on, each line with its time.
    """

    purpose: str
    description: str
    examples: tuple[tuple[str, str], ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    timed_log: bool = False

    def parser(self, program: str) -> Parser:
        """The parser of the command's arguments, under the name `program`."""
        made = Parser(
            prog=program,
            description=self.description,
            epilog=_epilog(program, self.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_arguments(made)
        group = made.add_argument_group("messages")
        group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
        group.add_argument(
            "-v", "--verbose", action="store_true", help="say what is decided, and why"
        )
        add_version(group)
        made.set_defaults(program=program)
        return made


def add_version(to: argparse._ActionsContainer) -> None:
    """Add the option `--version`."""
    said = f"vs-gendrpix {version('vs-gendrpix')}"
    to.add_argument("--version", action="version", version=said, help="print the version")


@contextmanager
def needs_extra(name: str) -> Iterator[None]:
    """Import what an extra of the package installs.

    Raises:
        SettingsError: A module is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise SettingsError(
            f"{error.name} is missing: pip install 'vs-gendrpix[{name}]'"
        ) from error


def exit_codes() -> str:
    """The exit codes and their meanings, one a line, for `--help`."""
    return "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())


def execute(  # noqa: PLR0911 - every way in which a command ends
    program: str, work: Callable[[argparse.Namespace], int], parser: Parser, given: Sequence[str]
) -> int:
    """Parse arguments and do the work; whatever goes wrong is one line and an exit code.

    Args:
        program: The name at the beginning of every line.
        work: Does the work; returns the exit code.
        parser: The parser of the arguments.
        given: The arguments.

    Returns:
        The exit code, see `vs_gendrpix.errors.EXIT_CODES`.
    """
    verbose = False
    try:
        with _terminated_by_signal():
            options = parser.parse_args(given)
            verbose = getattr(options, "verbose", False)
            return work(options)
    except KeyboardInterrupt:
        return _fail(program, "interrupted; nothing was published", INTERRUPTED, verbose)
    except _Terminated:
        return _fail(program, "terminated; nothing was published", TERMINATED, verbose)
    except GendrpixError as error:
        return _fail(program, str(error), error.exit_code, verbose)
    except MemoryError:
        message = "out of memory: use a smaller scale"
        return _fail(program, message, DeviceError.exit_code, verbose)
    except BrokenPipeError:
        # The reader of the standard output (`| head`) has seen enough. Python would write what is
        # left when it exits, and fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OutputError.exit_code
    except Exception as error:  # noqa: BLE001 - the process ends here: 1 would read as "finished"
        what = f"{type(error).__name__}: {error}"
        return _fail(program, f"a fault of the program ({what}); run with -v", FAULT, verbose)


def _fail(program: str, message: str, code: int, verbose: bool) -> int:
    """Say why the command ended, with the trace if the user wants to know all."""
    if verbose:
        traceback.print_exc()
    say(program, message)
    return code


def run_command(command: Command, program: str, given: Sequence[str]) -> int:
    """Run a command under the name `program`; returns the exit code."""

    def work(options: argparse.Namespace) -> int:
        with _log_lines(program, options, timed=command.timed_log):
            return command.run(options)

    return execute(program, work, command.parser(program), given)


def say(program: str, message: str) -> None:
    """Write one line to the standard error stream, whatever characters a file's name has."""
    line = one_line(f"{program}: {message}")
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")


class _Terminated(BaseException):
    """SIGTERM came. Not an `Exception`, so that no code takes it for a failure of its own."""


class _Handler(logging.Handler):
    """Writes each record of the log as one line."""

    def __init__(self, program: str, *, timed: bool) -> None:
        super().__init__()
        self._program, self._timed = program, timed

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, which begins with the time or the level."""
        level = record.levelname.lower()
        if self._timed:
            level = logging.Formatter().formatTime(record)
        say(self._program, f"{level}: {record.getMessage()}")


@contextmanager
def _log_lines(program: str, options: argparse.Namespace, *, timed: bool) -> Iterator[None]:
    """Show the log on the standard error stream, from the level that the options ask for."""
    handler = _Handler(program, timed=timed)
    usual = logging.INFO if options.verbose or timed else logging.WARNING
    handler.setLevel(logging.ERROR if options.quiet else usual)
    loggers = [logging.getLogger(name) for name in ("vs_gendrpix", "py.warnings")]
    logging.captureWarnings(capture=True)
    for logger in loggers:
        logger.addHandler(handler)
    loggers[0].setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        logging.captureWarnings(capture=False)


@contextmanager
def _terminated_by_signal() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does; in other threads the caller handles signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _epilog(program: str, examples: Sequence[tuple[str, str]]) -> str:
    """The end of a command's help: its examples and the exit codes."""
    lines = [(f"{program} {arguments}", meaning) for arguments, meaning in examples]
    # A long example stands without its meaning in line, as a table would become too wide.
    column = max((len(line) for line, _ in lines if len(line) < 60), default=0)
    shown = "\n".join(f"  {line:<{column}}  {meaning}".rstrip() for line, meaning in lines)
    return f"examples:\n{shown}\n\nexit codes:\n{exit_codes()}\n"
