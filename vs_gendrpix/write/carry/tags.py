"""Tags, languages, chapters and timecodes that stay true in another file."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import TYPE_CHECKING

from av.container import InputContainer

from vs_gendrpix.frame.timecode import at_rate, moved
from vs_gendrpix.libav.values import fraction

if TYPE_CHECKING:
    from av.container.core import Chapter
    from av.stream import Stream
    from av.video.stream import VideoStream

_STALE = ("encoder", "duration", "number_of_", "bps", "statistics", "vendor_id")
"""Prefixes of tags that describe the old file's bytes; muxers write their own."""

_HANDLERS = {("handler_name", f"{kind}Handler") for kind in ("Video", "Sound", "Subtitle", "Data")}
"""Names that libavformat gives to tracks of MP4 without a name."""

_LISTED = {
    "mp4": {
        *("title", "artist", "album_artist", "composer", "album", "date", "comment", "genre"),
        *("copyright", "grouping", "lyrics", "description", "synopsis", "show", "episode_id"),
        *("network", "keywords", "track", "disc", "creation_time"),
    },
    "mov": {
        *("title", "artist", "author", "album", "date", "comment", "genre", "copyright", "make"),
        *("model", "location", "keywords", "creation_time"),
    },
}
"""Tags of a file for which libavformat's muxer has a place beside QuickTime's list of keys."""

_BRANDS = {"major_brand", "minor_version", "compatible_brands"}
_QUICKTIME = {
    "bod": "tib",
    "cym": "wel",
    "deu": "ger",
    "ell": "gre",
    "eus": "baq",
    "fas": "per",
    "hrv": "hr ",
    "hye": "arm",
    "isl": "ice",
    "kat": "geo",
    "mkd": "mac",
    "msa": "may",
    "mya": "bur",
    "nld": "dut",
    "sqi": "alb",
    "srp": "sr ",
    "swe": "sve",
    "zho": "chi",
}
"""FFmpeg's names of the languages in QuickTime's own list, where they are not those of ISO 639-2/T:
it writes none for a name that it does not know."""


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that stay true in another file. A timecode does not: it may begin later there.

    A track's name, which libavformat reads from MP4 as `name`, is written from `title`. A time of
    creation that QuickTime says twice is one.
    """
    kept = {
        key: value
        for key, value in tags.items()
        if key.lower() not in _BRANDS | {"timecode"}
        and not key.lower().lstrip("_").startswith(_STALE)
        and (key.lower(), value) not in _HANDLERS
    }
    if "name" in kept and "title" not in kept:
        kept["title"] = kept.pop("name")
    if "creation_time" in kept:
        kept["creation_time"] = kept["creation_time"].partition(";")[0]
    return kept


def with_provenance(tags: Mapping[str, str], provenance: str) -> dict[str, str]:
    """Add a line to the comment among tags; the comment that is there stays above it."""
    rest, comment = _comment_of(tags)
    said = "\n".join(filter(None, (comment, provenance)))
    return rest | ({"comment": said} if said else {})


def without_provenance(tags: Mapping[str, str], provenance: str) -> dict[str, str]:
    """Take the line off the comment again; a comment that was nothing else goes."""
    rest, comment = _comment_of(tags)
    said = comment.removesuffix(provenance).removesuffix("\n")
    return rest | ({"comment": said} if said else {})


def _comment_of(tags: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the tags without a comment, and the comment: Matroska has its name in upper case."""
    rest = {key: value for key, value in tags.items() if key.lower() != "comment"}
    return rest, next((tags[key] for key in tags if key not in rest), "")


def needs_keys(tags: Mapping[str, str], container: str) -> bool:
    """Whether a file's tags fit only into QuickTime's list of keys, not into that of MP4 or MOV.

    Args:
        tags: The input's.
        container: FFmpeg's name of the output's muxer.
    """
    known = _LISTED.get(container)
    return known is not None and any(key.lower() not in known for key in kept_tags(tags))


def label(target: "Stream", source: "Stream", *, all_tags: bool) -> None:
    """Give a stream of the output the tags and the disposition of the input's.

    Args:
        target: The output's stream; the header is not yet written.
        source: The input's stream.
        all_tags: Whether all tags are wanted; otherwise only the language is set.
    """
    tags = kept_tags(source.metadata)
    if not all_tags:
        tags = {key: value for key, value in tags.items() if key == "language"}
    if target.container.format.name == "mov" and "language" in tags:
        tags["language"] = _QUICKTIME.get(tags["language"], tags["language"])
    target.metadata.update(tags)
    target.disposition = source.disposition


def timecode_of(source: InputContainer, video: "VideoStream") -> str:
    """The input's timecode, of the video, of another stream or of the file; empty if none."""
    holders = (video, *source.streams, source)
    return next(filter(None, (_timecode(holder.metadata) for holder in holders)), "")


def first_timecode(timecode: str, skipped: Fraction, given: Fraction, rate: Fraction) -> str | None:
    """The timecode of the output's first frame.

    Args:
        timecode: That of the input's first frame.
        skipped: Seconds of the input before the output's first frame.
        given: Frames a second that it counts.
        rate: Frames a second of the output.

    Returns:
        The timecode; None if the input's is malformed, or impossible at its rate.
    """
    found = moved(timecode, ceil(skipped * given), given)
    return None if found is None else at_rate(found, given, rate)


def chapters_between(
    source: InputContainer, start: Fraction | None, end: Fraction | None, offset: Fraction
) -> "list[Chapter]":
    """The chapters of a part of the input, cut to that part.

    Args:
        source: The input.
        start: First second of the part, in the input's time stamps; None is the beginning.
        end: Second at which the part ends; None is the end.
        offset: Seconds to take off all times.
    """
    kept = []
    for chapter in source.chapters():
        unit = fraction(chapter["time_base"])
        first, last = chapter["start"] * unit, chapter["end"] * unit
        if start is not None:
            first = max(first, start)
        if end is not None:
            last = min(last, end)
        # A chapter without a length is a mark.
        if first < last or (first == last and chapter["start"] == chapter["end"]):
            chapter["start"] = round((first - offset) / unit)
            chapter["end"] = round((last - offset) / unit)
            kept.append(chapter)
    return kept


def _timecode(tags: Mapping[str, str]) -> str:
    """The timecode among tags, whether its name is in upper or in lower case."""
    return next((value for key, value in tags.items() if key.lower() == "timecode"), "")
