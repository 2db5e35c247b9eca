"""Declarations of options: all that a front end needs to offer a setting, beside its field."""

import shlex
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from fractions import Fraction
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from vs_gendrpix.errors import SettingsError

_OPTION = "option"
"""Key of the `Option` in a field's metadata."""


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included; None is no upper limit."""

    low: float
    high: float | None = None

    def __contains__(self, value: float) -> bool:
        """Tell whether a number is in the range; NaN is in none."""
        return self.low <= value and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        return f"{self.low:g} or more" if self.high is None else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option, as it is declared.

    From it come the command's flag and its help, the check of the field, and the tables in docs/.

    Attributes:
        text: What the option does, in lower case and without a full stop. Names are in backquotes.
        flags: The command's flags; empty if it has none.
        flag_text: The help of the flag, where it differs from `text`.
        metavar: The name of the flag's value in the help.
        parse: Turns the flag's text into a value. Raises `ValueError` where it cannot.
        repeated: Whether the flag may be given several times; the field is a tuple then.
        within: The range of a number.
        default_text: The default in words, where its value does not say enough.
        name: The name in messages; empty takes the field's.
        paper: Whether only the paper's full network needs it.
    """

    text: str
    flags: tuple[str, ...] = ()
    flag_text: str = ""
    metavar: str | None = None
    parse: Callable[[str], Any] = str
    repeated: bool = False
    within: Range | None = None
    default_text: str = ""
    name: str = ""
    paper: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """An option together with its field's name, default and choices.

    Attributes:
        field: The field's name.
        default: The field's default.
        choices: The values that the field's `Literal` allows; empty if it is none.
        option: The declaration.
    """

    field: str
    default: Any
    choices: tuple[str, ...]
    option: Option

    @property
    def limits(self) -> str:
        """The range and the default in words, such as `1 to 4; default: 4`; may be empty."""
        default = self.option.default_text
        if not default and self.default is not None and not isinstance(self.default, bool | tuple):
            default = f"{self.default:g}" if isinstance(self.default, float) else f"{self.default}"
        parts = [str(self.option.within or ""), f"default: {default}" if default else ""]
        return "; ".join(filter(None, parts))


def option[T](  # noqa: PLR0913 - the parameters are those of `Option`
    default: T,
    text: str,
    *flags: str,
    flag_text: str = "",
    metavar: str | None = None,
    parse: Callable[[str], Any] = str,
    repeated: bool = False,
    within: Range | None = None,
    default_text: str = "",
    name: str = "",
    paper: bool = False,
) -> T:
    """Declare a field of a settings class; see `Option` for the parameters.

    Returns:
        A dataclass field, typed as its value, as `dataclasses.field` is.
    """
    declared = Option(
        text=text,
        flags=flags,
        flag_text=flag_text,
        metavar=metavar,
        parse=parse,
        repeated=repeated,
        within=within,
        default_text=default_text,
        name=name,
        paper=paper,
    )
    made: T = field(default=default, metadata={_OPTION: declared})
    return made


@cache
def options_of(settings: type) -> tuple[Declared, ...]:
    """The options that a settings class declares itself, in the order of its fields."""
    hints = get_type_hints(settings)
    return tuple(
        Declared(
            field=each.name,
            default=each.default,
            choices=get_args(hints[each.name]) if get_origin(hints[each.name]) is Literal else (),
            option=each.metadata[_OPTION],
        )
        for each in fields(settings)
        if _OPTION in each.metadata
    )


@cache
def _types_of(settings: type) -> dict[str, Any]:
    """The type of each field of a settings class."""
    hints = get_type_hints(settings)
    return {each.name: hints[each.name] for each in fields(settings)}


def groups_of(settings: type) -> Iterator[type]:
    """Yield a settings class and all classes nested in it, each after the one that holds it."""
    yield settings
    for each in fields(settings):
        if is_dataclass(each.default):
            yield from groups_of(type(each.default))


def build[T](settings: type[T], values: dict[str, Any]) -> T:
    """Make a settings object from the values of its fields, by name, at any depth.

    Args:
        settings: A settings class.
        values: A value for every field that declares an option.

    Raises:
        SettingsError: A value is out of its range.
    """
    return settings(
        **{
            each.name: build(type(each.default), values)
            if is_dataclass(each.default)
            else values[each.name]
            for each in fields(settings)  # type: ignore[arg-type] # a dataclass, which T cannot say
        }
    )


def as_flags(settings: object, *, without: Collection[str] = ()) -> str:
    """Write the options of settings, however deep they are nested, as flags of the command.

    Args:
        settings: Settings; what has its default is not written.
        without: Fields that are not written either.
    """
    words: list[str] = []
    for group in (settings, *_nested_in(settings)):
        kind: type = type(group)
        for each in options_of(kind):
            value = getattr(group, each.field)
            if value == each.default or each.field in without or not each.option.flags:
                continue
            for one in value if each.option.repeated else (value,):
                words.append(each.option.flags[-1])
                if not isinstance(one, bool):
                    words.append(shlex.quote(_as_text(one)))
    return " ".join(words)


def _nested_in(settings: object) -> Iterator[object]:
    """List the groups of settings within settings."""
    kind: type = type(settings)
    for name in _types_of(kind):
        inner = getattr(settings, name)
        if is_dataclass(inner):
            yield inner
            yield from _nested_in(inner)


def _as_text(value: object) -> str:
    """Write a value as it is given to a flag."""
    if isinstance(value, tuple) and len(value) == 2 and all(isinstance(x, str) for x in value):
        return "=".join(value)
    if isinstance(value, tuple):
        return ":".join(map(str, value))
    if isinstance(value, Fraction) and value != round(value, 6):
        return f"{value.numerator}/{value.denominator}"
    return f"{float(value):.12g}" if isinstance(value, Fraction | float) else str(value)


def check(settings: object) -> None:
    """Check every value of a settings object against its declared type, choices and range.

    Raises:
        SettingsError: A value is of another type, none of the choices, or out of its range.
    """
    kind: type = type(settings)
    for field_name, hint in _types_of(kind).items():
        value = getattr(settings, field_name)
        if get_origin(hint) is not Literal and not _fits(value, hint):
            said = f"{field_name} {value!r} is of the type {type(value).__name__}"
            raise SettingsError(f"{said}: use {_words(hint)}")
    for declared in options_of(kind):
        value = getattr(settings, declared.field)
        name = declared.option.name or declared.field.replace("_", " ")
        if declared.choices and value not in declared.choices:
            known = ", ".join(declared.choices)
            raise SettingsError(f"there is no {name} {value!r}: use one of {known}")
        within = declared.option.within
        if within is not None and value is not None and value not in within:
            raise SettingsError(f"{name} {float(value):g} is out of range: use {within}")


def _fits(value: object, hint: Any) -> bool:  # noqa: ANN401 - a type, or what typing makes of types
    """Tell whether a value has a type. Any number fits a fraction, and no bool fits a number."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind in {Union, UnionType}:
        return any(_fits(value, each) for each in inner)
    if kind is Literal:
        return isinstance(value, str) and value in inner
    if kind is tuple:
        if not isinstance(value, tuple):
            return False
        wanted = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return len(value) == len(wanted) and all(map(_fits, value, wanted))
    if hint in {int, float, Fraction}:
        return isinstance(value, Integral if hint is int else Real) and not isinstance(value, bool)
    return isinstance(value, hint)


def _words(hint: Any) -> str:  # noqa: ANN401
    """Name a type for a message."""
    kind, inner = get_origin(hint), get_args(hint)
    if kind in {Union, UnionType}:
        return " or ".join(map(_words, inner))
    if kind is Literal:
        return " or ".join(map(repr, inner))
    if kind is tuple:
        return f"a tuple of {_words(inner[0])}"
    return "None" if hint is NoneType else str(hint.__name__)
