"""Behaviour that all commands share: help with examples, one-line errors, exit codes, signals."""

import argparse
import logging
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from typing import NoReturn, TextIO

from vs_gendrpix.cli.terminal.console import LastLines, flush_streams, open_missing_streams, say
from vs_gendrpix.cli.terminal.signals import signals_cancel
from vs_gendrpix.errors import EXIT_CODES, UNWRITABLE, SettingsError, cancellation
from vs_gendrpix.errors.failure import Failure
from vs_gendrpix.frame.notes import DECISION, PROGRESS
from vs_gendrpix.models.heap import keep_freed


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line, without the usage in front of them."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments, and say what may have been meant."""
        meant = _meant(message, self.format_help())
        hint = f"did you mean {meant}?" if meant else f"see {self.prog} --help"
        raise SettingsError(f"{message} ({hint})")

    def parse(self, given: Sequence[str]) -> argparse.Namespace:
        """Parse arguments; options may stand between the inputs and the output.

        Not so with `--`, nor in a parser of commands: argparse has no way for these.
        """
        if "--" not in given:
            with suppress(TypeError):
                return self.parse_intermixed_args(given)
        return self.parse_args(given)


def _meant(message: str, known: str) -> str | None:
    """Find the flag or the choice nearest to one that argparse refuses; None if none is near."""
    flag = re.match(r"unrecognized arguments: (--[\w-]+)", message)
    choice = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
    if flag is not None:
        wrong, names = flag[1], re.findall(r"--[\w-]+", known)
    elif choice is not None:
        wrong, names = choice[1], re.findall(r"'([^']+)'", choice[2])
    else:
        return None
    begun = [name for name in names if wrong.strip("-") and name.startswith(wrong)]
    near = get_close_matches(wrong, names, n=1)
    return next(iter(begun or near), None)


def _say_no_more(given: Sequence[str], failure: Failure, stream: TextIO) -> None:
    """Do nothing after a failure: most commands say all in one line on the error stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command: its help text, its arguments, and its work.

    Attributes:
        purpose: One line for the list of commands, in lower case and without a full stop.
        description: What it does, for its own help.
        examples: Argument lists, each with what it does.
        add_arguments: Adds the arguments to a parser.
        run: Does the work; returns the exit code. It imports what is heavy itself, so that `--help`
            is quick.
        failed: Is told, with the arguments, of a failure that has been said, and where to write
            more of it; it must not fail.
        timed_log: Whether the log is shown from level INFO on, each line with its time.
    """

    purpose: str
    description: str
    examples: tuple[tuple[str, str], ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    failed: Callable[[Sequence[str], Failure, TextIO], None] = _say_no_more
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
        self.fill(made)
        made.set_defaults(program=program)
        return made

    def fill(self, made: argparse.ArgumentParser) -> None:
        """Add the command's arguments to a parser, and those that every command has."""
        self.add_arguments(made)
        group = made.add_argument_group("messages")
        group.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
        group.add_argument(
            "-v",
            "--verbose",
            action="store_true",
            help="say more: what the input is, what libav says, where an error comes from",
        )
        add_version(group)


def add_version(to: argparse._ActionsContainer) -> None:
    """Add the option `--version`."""
    said = f"vs-gendrpix {version('vs-gendrpix')}"
    to.add_argument("--version", action="version", version=said, help="print the version")


def exit_codes() -> str:
    """The exit codes and their meanings, one a line, for `--help`."""
    return "\n".join(f"  {code:<4} {meaning}" for code, meaning in EXIT_CODES.items())


def execute(
    program: str,
    work: Callable[[argparse.Namespace], int],
    parser: Parser,
    given: Sequence[str],
    *,
    failed: Callable[[Sequence[str], Failure, TextIO], None] = _say_no_more,
    ends_process: bool,
) -> int:
    """Parse arguments and do the work; whatever goes wrong is one line and an exit code.

    Args:
        program: The name at the beginning of every line.
        work: Does the work; returns the exit code.
        parser: The parser of the arguments.
        given: The arguments.
        failed: See `Command`.
        ends_process: Whether the process is the command's and ends after this: then its standard
            streams and its signals are taken care of to the end.

    Returns:
        The exit code, see `vs_gendrpix.errors.EXIT_CODES`.
    """
    keep_freed()  # before the thread that waits for signals, whose heap later ones would take
    if ends_process:
        open_missing_streams()
    verbose = False

    def ended(failure: Failure) -> None:
        failed(given, failure, LastLines(1))

    try:
        with signals_cancel(program, ended, to_the_end=ends_process):
            options = parser.parse(given)
            verbose = getattr(options, "verbose", False)
            return work(options)
    except SystemExit:  # --help and --version
        raise
    except BaseException as error:  # noqa: BLE001 - the process ends here: 1 would read as "finished"
        failure = Failure.of(error)
        if verbose:
            with suppress(*UNWRITABLE):
                traceback.print_exc()
        if failure.message:
            say(program, failure.message)
        failed(given, failure, sys.stdout)
        return failure.exit_code
    finally:
        cancellation.reset()
        if ends_process:
            flush_streams()


def run_command(command: Command, program: str, given: Sequence[str], *, ends_process: bool) -> int:
    """Run a command under the name `program`; returns the exit code; see `execute`."""

    def work(options: argparse.Namespace) -> int:
        with _log_lines(program, options, timed=command.timed_log):
            return command.run(options)

    parser, failed = command.parser(program), command.failed
    return execute(program, work, parser, given, failed=failed, ends_process=ends_process)


class _Handler(logging.Handler):
    """Writes each record of the log as one line."""

    def __init__(self, program: str, *, timed: bool) -> None:
        super().__init__()
        self._program, self._timed = program, timed

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, which begins with the time or the level, and the trace of an error.

        Progress has no level in front, as it has none in the displays of other commands.
        """
        head = "" if record.levelno == PROGRESS else f"{record.levelname.lower()}: "
        if self._timed:
            head = f"{logging.Formatter().formatTime(record)}: "
        say(self._program, f"{head}{record.getMessage()}")
        if record.exc_info:
            with suppress(*UNWRITABLE):
                traceback.print_exception(record.exc_info[1])


@contextmanager
def _log_lines(program: str, options: argparse.Namespace, *, timed: bool) -> Iterator[None]:
    """Show the log on the standard error stream, from the level that the options ask for."""
    handler = _Handler(program, timed=timed)
    usual = logging.INFO if options.verbose or timed else DECISION
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


def _epilog(program: str, examples: Sequence[tuple[str, str]]) -> str:
    """The end of a command's help: its examples and the exit codes."""
    lines = [(f"{program} {arguments}", meaning) for arguments, meaning in examples]
    # A long example stands without its meaning in line, as a table would become too wide.
    column = max((len(line) for line, _ in lines if len(line) < 60), default=0)
    shown = "\n".join(f"  {line:<{column}}  {meaning}".rstrip() for line, meaning in lines)
    return f"examples:\n{shown}\n\nexit codes:\n{exit_codes()}\n"
