"""`gendrpix completion SHELL`: a script by which a shell completes commands and flags."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from vs_gendrpix.cli.command import Command
from vs_gendrpix.errors import needs_extra

SHELLS = ("bash", "zsh", "tcsh")


def completion_of(
    program: str, commands: Mapping[str, Command], short: Mapping[str, str]
) -> Command:
    """Make the command that prints the script.

    Args:
        program: The program whose first argument is a command.
        commands: Its commands, by name.
        short: Names of commands that are programs too, by the program's name.
    """

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("shell", choices=SHELLS, help="for which shell")
        parser.add_argument(
            "of",
            metavar="PROGRAM",
            nargs="?",
            choices=(program, *short),
            default=program,
            help=f"for which program: {', '.join((program, *short))} (default: {program})",
        )

    def run(options: argparse.Namespace) -> int:
        with needs_extra("completion"):
            import shtab  # noqa: PLC0415 - an extra

        if options.of in short:
            parser = argparse.ArgumentParser(options.of)
            commands[short[options.of]].fill(parser)
        else:
            parser = argparse.ArgumentParser(program)
            several = parser.add_subparsers()
            for name, command in commands.items():
                command.fill(several.add_parser(name, help=command.purpose))
        _complete_files(parser, shtab.FILE)
        sys.stdout.write(shtab.complete(parser, options.shell) + "\n")
        return 0

    return Command(
        purpose="print a script that completes commands in a shell",
        description="Print a script by which a shell completes commands, flags, choices and files.",
        examples=(
            ("bash > ~/.local/share/bash-completion/completions/gendrpix", ""),
            ("zsh gendrpix-video > ~/.zfunc/_gendrpix-video", "in a folder of $fpath"),
        ),
        add_arguments=add_arguments,
        run=run,
    )


def _complete_files(parser: argparse.ArgumentParser, files: object) -> None:
    """Let the names of files complete each argument that may be one."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for each in action.choices.values():
                _complete_files(each, files)
        elif action.choices is None and (
            not action.option_strings or action.type is Path or "FILE" in str(action.metavar)
        ):
            action.complete = files  # type: ignore[attr-defined] # where shtab looks
