"""Frozen dataclasses to and from plain values."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import pytest

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings.values import from_json, from_plain, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    rate: Fraction
    path: Path | None = None

    def __post_init__(self):
        if self.rate < 0:
            raise SettingsError("rate is below 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    inner: Inner
    kind: Literal["a", "b"] = "a"
    count: int = 0
    share: float = 0.5
    sizes: tuple[int, ...] = ()
    pair: tuple[int, str] | None = None


def test_values_are_the_same_after_json():
    value = Outer(
        inner=Inner(rate=Fraction(30000, 1001), path=Path("a/b")), sizes=(1, 2), pair=(3, "x")
    )
    assert from_json(to_json(value), Outer, "it") == value


def test_a_whole_number_may_stand_for_a_float():
    found = from_plain({"inner": {"rate": "1/2"}, "share": 1}, Outer, "it")
    assert (found.share, type(found.share)) == (1.0, float)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": True}, "it.count must be int, got True"),
        ({"count": "3"}, "it.count must be int, got '3'"),
        ({"share": "x"}, "it.share must be float, got 'x'"),
        ({"kind": "c"}, "it.kind is 'c': use a, b"),
        ({"sizes": 3}, "it.sizes must be a list"),
        ({"sizes": [1, 2.5]}, "it.sizes must be int, got 2.5"),
        ({"other": 1}, "it has no setting 'other': use inner, kind, count, share, sizes, pair"),
        ({"inner": {}}, "it.inner.rate is missing"),
        ({"inner": {"rate": "1/2", "path": 3}}, "it.inner.path must be str, got 3"),
        ({"inner": {"rate": "-1/2"}}, "rate is below 0"),
    ],
)
def test_a_fault_is_named_with_its_place(change, said):
    with pytest.raises(SettingsError) as caught:
        from_plain({"inner": {"rate": "1/2"}} | change, Outer, "it")
    assert str(caught.value) == said


@pytest.mark.parametrize("value", [3, [1], "x", None])
def test_what_is_no_table_is_refused(value):
    with pytest.raises(SettingsError, match="it must be a table"):
        from_plain(value, Outer, "it")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' + "9" * 10_000 + "}"])
def test_text_that_no_parser_takes_is_refused(text):
    with pytest.raises(SettingsError, match="is not JSON"):
        from_json(text, Outer, "the value")


def test_a_long_value_is_shown_by_its_beginning():
    with pytest.raises(SettingsError) as caught:
        from_plain({"count": ["x" * 10_000] * 1000}, Outer, "the value")
    assert len(str(caught.value)) < 1000
