"""Plain values to and from JSON: frozen dataclasses, strictly."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Literal

import cattrs

from vs_gendrpix.errors import SettingsError


def to_json(value: object) -> str:
    """Write a dataclass of plain values as JSON text; fractions are `n/d`, paths are text."""
    return json.dumps(_CONVERTER.unstructure(value), indent=2, ensure_ascii=False) + "\n"


def from_json[T](text: str, kind: type[T], what: str) -> T:
    """Read a dataclass from JSON text: every key a field, every value of its type.

    Args:
        text: What `to_json` wrote.
        kind: The dataclass.
        what: Name of the text, for the message.

    Raises:
        SettingsError: The text is no JSON, or not of such a value.
    """
    try:
        return _CONVERTER.structure(json.loads(text), kind)
    except json.JSONDecodeError as error:
        raise SettingsError(f"{what} is not JSON: {error}") from error
    except (cattrs.BaseValidationError, cattrs.StructureHandlerNotFoundError) as error:
        first, *_ = cattrs.transform_error(error)
        raise SettingsError(f"{what} is not what this version writes: {first}") from error


def _converter() -> cattrs.Converter:
    """Make the converter with what JSON has no type for."""
    made = cattrs.Converter(forbid_extra_keys=True)
    made.register_unstructure_hook(Fraction, lambda value: f"{value.numerator}/{value.denominator}")
    made.register_structure_hook(Fraction, lambda text, _: Fraction(text))
    made.register_unstructure_hook(Path, str)
    made.register_structure_hook(Path, lambda text, _: Path(text))
    made.register_structure_hook(
        tuple[int, int, int, int] | Literal["auto"] | None,
        lambda value, _: tuple(map(int, value)) if isinstance(value, list) else value,
    )
    return made


_CONVERTER = _converter()
