"""What a file holds beside its packets, to be compared with what has become of it in another."""

from collections import Counter
from collections.abc import Iterable, Mapping

from av.stream import Disposition, Stream

from vs_gendrpix.carry.tags import kept_tags
from vs_gendrpix.libav.values import codec_name, line_of

Contents = Counter[tuple[str, str, str]]
"""How often a file has each part: whose it is, what it is, and its value where that is compared."""

_OWN = {
    "alpha_mode",
    "filename",
    "handler_name",
    "language",
    "mimetype",
    "rotate",
    "stereo_mode",
}
"""Tags that are no text of the user's: what they say is compared in another way, or the muxer's."""

_WORDS = {"creation_time", "location"}
"""Tags whose words a container writes in a form of its own."""

_SIDE_DATA = {
    "stereo_3d": "stereoscopy",
    "spherical": "the projection of spherical video",
    "icc_profile": "the ICC profile",
    "ambient_viewing_environment": "the ambient viewing environment",
    "3d_reference_displays": "the reference displays of 3D video",
}
"""Side data of a video stream, by PyAV's name; orientation and grading the writer knows itself."""

_COMPARED = {"stereo_3d": 8, "spherical": 36}
"""Bytes of side data that must be the same: an AVStereo3D's type and flags, a whole
AVSphericalMapping. Others are there or not."""

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
"""What a stream is for; that it is the default MP4 says of the first of each kind anyway."""


def tags_of(whose: str, tags: Mapping[str, str]) -> Contents:
    """The tags of a file or a stream that would be true of another one too."""
    found: Contents = Counter()
    for key, value in kept_tags(tags).items():
        name = key.lower().partition("-")[0] if key.lower().startswith("location-") else key.lower()
        if name not in _OWN and value:
            said = "" if name in _WORDS else value.strip()
            found[whose, f"the tag {line_of(name)}", said] = 1
    return found


def stream_of(whose: str, stream: Stream, *, tags: bool) -> Contents:
    """The tags, marks and side data of a stream.

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
    """Names of chapters or of attached files."""
    return Counter((kind, f"the name {line_of(name)}", "") for name in names)


def lost_parts(before: Contents, after: Contents) -> list[str]:
    """Say which parts of a file another one lacks or tells otherwise, by whose they are."""
    missing: dict[str, list[str]] = {}
    for whose, what, _ in before - after:
        missing.setdefault(whose, []).append(what)
    return [f"{', '.join(sorted(parts))} of {whose}" for whose, parts in missing.items()]
