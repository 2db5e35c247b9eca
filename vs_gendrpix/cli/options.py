"""The command's flags for all settings, and the settings made from parsed flags."""

import argparse
from collections.abc import Callable
from typing import Any

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings import (
    EncodeSettings,
    FinishSettings,
    JobSettings,
    PrepareSettings,
    ProcessSettings,
    ReadSettings,
    RestoreSettings,
    StreamSettings,
    WriteSettings,
)
from vs_gendrpix.settings.option import Declared, Option, groups_of, options_of

TITLES: dict[type, str] = {
    ReadSettings: "read the input (T is seconds, or [h:]mm:ss.ms)",
    PrepareSettings: "prepare the frames (GRAPH is a preset, or FFmpeg's own syntax)",
    RestoreSettings: "restore the frames",
    FinishSettings: "finish the restored frames",
    WriteSettings: "write the output",
    EncodeSettings: "write: encoder",
    JobSettings: "divide the work",
    StreamSettings: "write: streams (all that the container can hold is kept)",
}
PAPER = "restore: the paper's network (the built-in models need none of these, nor --dtype fp8)"
"""The title of the options that only the paper's full network needs."""


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every option of `ProcessSettings`, in groups."""
    for kind in groups_of(ProcessSettings):
        declared = [each for each in options_of(kind) if each.option.flags]
        for title, paper in ((TITLES.get(kind, ""), False), (PAPER, True)):
            chosen = [each for each in declared if each.option.paper == paper]
            if chosen:
                group = parser.add_argument_group(title)
                for each in chosen:
                    _add(group, each)


def add_some(parser: argparse.ArgumentParser, settings: type, *names: str) -> None:
    """Add the flags of a few fields of a settings class."""
    for each in options_of(settings):
        if each.field in names:
            _add(parser, each)


def help_of(declared: Declared) -> str:
    """The help of a flag: its text, range and default, without backquotes."""
    text = declared.option.flag_text or declared.option.text
    return (f"{text} ({declared.limits})" if declared.limits else text).replace("`", "")


def _add(to: argparse._ActionsContainer, declared: Declared) -> None:
    """Add one flag."""
    option = declared.option
    text = help_of(declared).replace("%", "%%")
    if isinstance(declared.default, bool):
        to.add_argument(
            *option.flags,
            dest=declared.field,
            action="store_false" if declared.default else "store_true",
            help=text,
        )
        return
    to.add_argument(
        *option.flags,
        dest=declared.field,
        type=_typed(option),
        choices=declared.choices or None,
        action="append" if option.repeated else "store",
        default=[] if option.repeated else declared.default,
        metavar=option.metavar,
        help=text,
    )


def _typed(option: Option) -> Callable[[str], Any]:
    """The parser of an option, with its errors as argparse shows them."""

    def typed(text: str) -> object:
        try:
            value: object = option.parse(text)
        except SettingsError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
        return value

    typed.__name__ = option.parse.__name__  # argparse says it: "invalid int value: 'x'"
    return typed
