"""`gendrpix COMMAND ...`: finds the command and runs it."""

import argparse
import sys
from collections.abc import Sequence

from vs_gendrpix.cli import compare, evaluate, export, jobs, models, presets, train, try_, video
from vs_gendrpix.cli.command import Command, Parser, add_version, execute, exit_codes, run_command
from vs_gendrpix.cli.terminal.completion import completion_of
from vs_gendrpix.errors import SettingsError

PROGRAM = "gendrpix"

COMMANDS: dict[str, Command] = {
    "video": video.COMMAND,
    "plan": jobs.PLAN,
    "work": jobs.WORK,
    "finish": jobs.FINISH,
    "status": jobs.STATUS,
    "compare": compare.COMMAND,
    "try": try_.COMMAND,
    "models": models.COMMAND,
    "presets": presets.COMMAND,
    "export": export.COMMAND,
    "evaluate": evaluate.COMMAND,
    "train": train.COMMAND,
}
COMMANDS["completion"] = completion_of(PROGRAM, COMMANDS, {"gendrpix-video": "video"})
"""Every command by its name: a new one is a module of this package and a line here."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `gendrpix`; returns the exit code.

    Args:
        argv: The arguments; None takes the process's.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    own = argv is None
    if given and given[0] in COMMANDS:
        name = given[0]
        program = f"{PROGRAM} {name}"
        return run_command(COMMANDS[name], program, given[1:], ends_process=own)
    return execute(PROGRAM, _refuse, _parser(), given, ends_process=own)


def _parser() -> Parser:
    """Make the parser for arguments that name no command: `--help`, `--version`, or a mistake."""
    listed = "\n".join(f"  {name:<10} {command.purpose}" for name, command in COMMANDS.items())
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND ...",
        description="Restore videos with a one-step diffusion model.",
        epilog=f"commands:\n{listed}\n\nexamples:\n"
        f"  {PROGRAM} video in.mp4 out.mp4\n  {PROGRAM} video --help\n\n"
        f"exit codes:\n{exit_codes()}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_version(parser)
    parser.add_argument("command", nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _refuse(options: argparse.Namespace) -> int:
    """Say which commands there are."""
    found = "no command" if options.command is None else f"there is no command {options.command!r}"
    raise SettingsError(f"{found}: use one of {', '.join(COMMANDS)} (see {PROGRAM} --help)")
