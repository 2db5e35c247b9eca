"""Plain values to and from JSON and TOML: frozen dataclasses, strictly."""

import json
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from reprlib import Repr
from typing import Any, Literal, get_args, get_origin

import cattrs

from vs_gendrpix.errors import GendrpixError, SettingsError


def to_json(value: object) -> str:
    """Write a dataclass of plain values as JSON text; fractions are `n/d`, paths are text."""
    return json.dumps(_CONVERTER.unstructure(value), indent=2, ensure_ascii=False) + "\n"


def from_json[T](text: str, kind: type[T], where: str) -> T:
    """Read a dataclass from JSON text; see `from_plain`.

    Raises:
        SettingsError: The text is no JSON, or not of such a value.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:  # the first of a number of too many digits too
        raise SettingsError(f"{where} is not JSON: {error}") from error
    return from_plain(value, kind, where)


def from_plain[T](value: object, kind: type[T], where: str) -> T:
    """Make a dataclass of what JSON or TOML holds: every key a field, every value of its type.

    Args:
        value: A table, perhaps of tables; lists become tuples, whole numbers may stand for floats.
        kind: The dataclass.
        where: Name of the value, for the message.

    Raises:
        SettingsError: A key is unknown or missing, or a value is of another type or out of its
            range. The message names the first fault.
    """
    if not isinstance(value, dict):
        raise SettingsError(f"{where} must be a table")
    try:
        return _CONVERTER.structure(value, kind)
    except cattrs.BaseValidationError as error:
        first, *_ = cattrs.transform_error(error, path=where, format_exception=_fault)
        message, _, place = first.rpartition(" @ ")
        raise SettingsError(message.replace("@", place, 1)) from error


def _fault(error: BaseException, _: type[Any] | None) -> str:
    """Say what is wrong with a value; `@` stands for its place."""
    if isinstance(error, GendrpixError):
        return str(error)
    if isinstance(error, cattrs.ForbiddenExtraKeysError):
        known = ", ".join(each.name for each in fields(error.cl))
        return f"@ has no setting {min(error.extra_fields)!r}: use {known}"
    if isinstance(error, KeyError):
        return "@ is missing"
    return f"@ {error}"


def _shown(value: object) -> str:
    """Show a value in a message; of a long or deep one its beginning."""
    shown = Repr()
    shown.maxstring = shown.maxother = shown.maxlong = 80
    return shown.repr(value)


def _strict(value: object, kind: Any) -> object:  # noqa: ANN401 - a type, or a special form
    """Check a plain value; nothing is converted but whole numbers to floats."""
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"must be {kind.__name__}, got {_shown(value)}")
    return value


def _is_literal(kind: Any) -> bool:  # noqa: ANN401 - a type, or a special form
    return get_origin(kind) is Literal


def _is_tuple(kind: Any) -> bool:  # noqa: ANN401 - a type, or a special form
    return get_origin(kind) is tuple


def _literal(value: object, kind: Any) -> object:  # noqa: ANN401 - a special form
    """Check a value against the choices of a `Literal`."""
    if value not in get_args(kind):
        raise ValueError(f"is {_shown(value)}: use {', '.join(get_args(kind))}")
    return value


def _tuple(value: object, kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a special form
    """Make a tuple of a list."""
    if not isinstance(value, list):
        raise TypeError("must be a list")
    items = get_args(kind)
    if items[-1] is Ellipsis:
        items = (items[0],) * len(value)
    if len(items) != len(value):
        raise ValueError(f"must hold {len(items)} values, got {len(value)}")
    return tuple(_CONVERTER.structure(each, item) for each, item in zip(value, items, strict=True))


def _converter() -> cattrs.Converter:
    """Make the converter with what JSON has no type for."""
    made = cattrs.Converter(forbid_extra_keys=True)
    for kind in (bool, int, float, str):
        made.register_structure_hook(kind, _strict)
    made.register_structure_hook_func(_is_literal, _literal)
    made.register_structure_hook_func(_is_tuple, _tuple)
    made.register_unstructure_hook(Fraction, lambda value: f"{value.numerator}/{value.denominator}")
    made.register_structure_hook(Fraction, lambda text, _: Fraction(text))
    made.register_unstructure_hook(Path, str)
    made.register_structure_hook(Path, lambda text, _: Path(str(_strict(text, str))))
    made.register_structure_hook(
        tuple[int, int, int, int] | Literal["auto"] | None,
        lambda value, _: _tuple(value, tuple[int, ...]) if isinstance(value, list) else value,
    )
    return made


_CONVERTER = _converter()
