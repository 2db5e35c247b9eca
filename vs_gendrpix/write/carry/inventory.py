"""List what a file holds beside its packets, to compare two files."""

from collections import Counter
from collections.abc import Iterable, Mapping

from av.stream import Disposition, Stream

from vs_gendrpix.libav.values import codec_name, line_of
from vs_gendrpix.write.carry.tags import kept_tags

Contents = Counter[tuple[str, str, str]]
"""Counts of a file's parts: each is its owner, its name, and its value if values are compared."""

_OWN = {
    "alpha_mode",
    "filename",
    "handler_name",
    "language",
    "mimetype",
    "rotate",
    "stereo_mode",
}
"""Tags that are not compared as text: the muxer writes them, or another check compares them."""

_WORDS = {"creation_time", "location"}
"""Tags whose text a container writes in its own form, so that only their presence is compared."""

_SIDE_DATA = {
    "stereo_3d": "stereoscopy",
    "spherical": "the projection of spherical video",
    "icc_profile": "the ICC profile",
    "ambient_viewing_environment": "the ambient viewing environment",
    "3d_reference_displays": "the reference displays of 3D video",
}
"""Side data of a video stream that is compared, by PyAV's name. The writer checks orientation and
grading itself."""

_COMPARED = {"stereo_3d": 8, "spherical": 36}
"""Bytes of side data that are compared: type and flags of an AVStereo3D, all of an
AVSphericalMapping. Of other side data only the presence is compared."""

_MARKS = (
    Disposition.dub
    | Disposition.original
    | Disposition.comment
    | Disposition.lyrics
    | Disposition.karaoke
    | Disposition.forced
    | Disposition.hearing_impaired
    | Disposition.visual_impaired
    | Disposition.clean_effects
    | Disposition.captions
    | Disposition.descriptions
)
"""Dispositions that are compared; not `default`, which MP4 sets on the first stream of a kind."""


def tags_of(whose: str, tags: Mapping[str, str]) -> Contents:
    """List the tags of a file or a stream that would be true of another file too."""
    found: Contents = Counter()
    for key, value in kept_tags(tags).items():
        name = key.lower().partition("-")[0] if key.lower().startswith("location-") else key.lower()
        if name not in _OWN and value:
            said = "" if name in _WORDS else value.strip()
            found[whose, f"the tag {line_of(name)}", said] = 1
    return found


def stream_of(whose: str, stream: Stream, *, tags: bool) -> Contents:
    """List the tags, dispositions and side data of a stream.

    Args:
        whose: The stream as the user knows it.
        stream: The stream.
        tags: Whether its tags count.
    """
    texts = {key: text for key, text in stream.metadata.items() if key != "creation_time"}
    found = tags_of(whose, texts) if tags else Counter()
    if stream.metadata.get("language", "und") != "und":
        found[whose, "the language", ""] = 1
    for mark in Disposition(stream.disposition & _MARKS):
        found[whose, f"the mark {mark.name}", ""] = 1
    if stream.type == "video" and codec_name(stream):
        for kind, data in stream.codec_context.coded_side_data.items():
            is_flat = kind == "stereo_3d" and not any(data[:4])  # AVStereo3D of one view
            if kind in _SIDE_DATA and not is_flat:
                said = data[: _COMPARED.get(kind, 0)].hex()
                found[whose, _SIDE_DATA[kind], said] = 1
    return found


def names_of(kind: str, names: Iterable[str]) -> Contents:
    """List the names of chapters or of attached files."""
    return Counter((kind, f"the name {line_of(name)}", "") for name in names)


def lost_parts(before: Contents, after: Contents) -> list[str]:
    """Name the parts of one file that another file lacks or has with another value, by owner."""
    missing: dict[str, list[str]] = {}
    for whose, what, _ in before - after:
        missing.setdefault(whose, []).append(what)
    return [f"{', '.join(sorted(parts))} of {whose}" for whose, parts in missing.items()]
