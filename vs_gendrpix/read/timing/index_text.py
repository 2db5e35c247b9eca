"""The index of a file as text, which the workers of a job share."""

import json
from array import array
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from vs_gendrpix.read.timing.index import Index, key_of, known_index, remember_index
from vs_gendrpix.read.timing.joins import Joins
from vs_gendrpix.read.timing.pace import Pace
from vs_gendrpix.settings import ReadSettings


def kept_index(path: Path, chosen: ReadSettings) -> str | None:
    """Write a file's index as JSON text for other processes; None if the index is not known.

    Args:
        path: The file.
        chosen: How it is read.
    """
    if not path.is_file():
        return None
    key = key_of(path, chosen)
    index = known_index(key)
    return None if index is None else json.dumps({"file": key[1:], **_plain(index)})


def know_index(path: Path, text: str) -> None:
    """Take over the index of a file from JSON text, if the file has not changed.

    Args:
        path: The file.
        text: From `kept_index`.
    """
    with suppress(OSError, ValueError, KeyError, TypeError):
        value = json.loads(text)
        number, size, changed = value.pop("file")
        now = path.stat()
        if (now.st_size, now.st_mtime_ns) == (size, changed):
            remember_index((str(path.absolute()), number, size, changed), _from_plain(value))


def _plain(index: Index) -> dict[str, Any]:
    """Convert an index to values for JSON: times as steps, which are small."""
    pace, joins = index.pace, index.joins
    return {
        "times": [now - before for before, now in pairwise((0, *index.times))],
        "end": index.end,
        "packets": index.packets,
        "pace": [
            *(str(pace.rate), str(pace.tick), pace.even),
            *(None if pace.first is None else str(pace.first), pace.soft_telecine),
        ],
        "joins": {
            "shifts": [str(shift) for shift in joins.shifts],
            "places": [[stream, list(places)] for stream, places in joins.places.items()],
            "lasts": sorted(joins.lasts),
            "moments": [str(moment) for moment in joins.moments],
            "ends": [[stream, [str(end) for end in ends]] for stream, ends in joins.ends.items()],
            "dues": [str(due) for due in joins.dues],
            "guessed": sorted(joins.guessed),
            "lone": [[picture, time] for picture, time in joins.lone.items()],
        },
        "keys": index.keys,
        "by_byte": index.by_byte,
        "streams": sorted(index.streams),
    }


def _from_plain(value: dict[str, Any]) -> Index:
    """Make an index from JSON's values."""
    rate, tick, even, first, soft_telecine = value["pace"]
    joins = value["joins"]
    return Index(
        times=array("q", accumulate(value["times"])),
        end=value["end"],
        packets=value["packets"],
        pace=Pace(
            rate=Fraction(rate),
            tick=Fraction(tick),
            even=even,
            first=None if first is None else Fraction(first),
            soft_telecine=soft_telecine,
        ),
        joins=Joins(
            shifts=tuple(map(Fraction, joins["shifts"])),
            places={stream: tuple(places) for stream, places in joins["places"]},
            lasts=frozenset(joins["lasts"]),
            moments=tuple(map(Fraction, joins["moments"])),
            ends={stream: tuple(map(Fraction, ends)) for stream, ends in joins["ends"]},
            dues=tuple(map(Fraction, joins["dues"])),
            guessed=frozenset((place, time) for place, time in joins["guessed"]),
            lone={(place, wrong): time for (place, wrong), time in joins["lone"]},
        ),
        keys=tuple((time, place) for time, place in value["keys"]),
        by_byte=value["by_byte"],
        streams=frozenset(value["streams"]),
    )
