"""Facts about a compared file, as rows of a table."""

from fractions import Fraction
from pathlib import Path

from vs_gendrpix.compare.sides import Side
from vs_gendrpix.errors import one_line
from vs_gendrpix.frame.format import ColorSpec
from vs_gendrpix.read.input import FileInput

_MATRICES = {0: "RGB", 1: "BT.709", 4: "FCC", 5: "BT.601", 6: "BT.601", 7: "SMPTE 240M"}
_PRIMARIES = {1: "BT.709", 4: "BT.470 M", 5: "BT.601 (625)", 6: "BT.601 (525)", 12: "Display P3"}
_TRANSFERS = {1: "BT.709", 6: "BT.601", 8: "linear", 13: "sRGB", 16: "PQ", 18: "HLG"}
_BOTH = {9: "BT.2020"}
"""Names of common code points of ITU-T H.273 that mean the same as primaries and as a matrix."""

TAGS = ("title", "comment", "description", "encoder", "creation_time")
LONGEST = 300
"""Characters of a tag that are shown."""


def facts(side: Side) -> dict[str, str]:
    """List the known facts about one clip, by name."""
    info = side.whole
    form, rate = info.format, info.average_rate
    found = {
        "picture": f"{form.width}x{form.height}",
        "samples": str(form.layout),
        "colour": _colour(form.color),
        "pixel shape": f"{info.sample_aspect_ratio}" if info.sample_aspect_ratio != 1 else "",
        "turned by a player": info.orientation,
        "frame rate": f"{float(rate):.6g} frames/s" if rate and info.frames != 1 else "",
        "frames": f"{info.frames}" if info.frames else "",
        "length": _length(side.clip.length) if info.frames != 1 else "",
        "HDR": ", ".join(info.hdr.dynamic),
    }
    if isinstance(side.clip, FileInput):
        found |= _of_file(side.clip)
    else:
        found["kind"] = "VapourSynth script"
    if side.path.is_file():
        found["size of the file"] = _bytes(side.path)
    return {name: one_line(value) for name, value in found.items() if value}


def _colour(color: ColorSpec) -> str:
    """The colour in names where we have one, in numbers of ITU-T H.273 where not."""
    kinds = (
        ("matrix", _MATRICES, color.matrix),
        ("primaries", _PRIMARIES, color.primaries),
        ("transfer", _TRANSFERS, color.transfer),
    )
    said = []
    for kind, names, code in kinds:
        unknown = code == 2 or (code == 0 and kind != "matrix")
        name = "not stated" if unknown else (names | _BOTH).get(code, f"number {code}")
        said.append(f"{kind} {name}")
    return f"{', '.join(said)}, {'full' if color.full_range else 'limited'} range"


def _of_file(clip: FileInput) -> dict[str, str]:
    """List the facts that the container and the codec state."""
    container, stream = clip.clip.container, clip.clip.stream
    codec = stream.codec_context
    rate = stream.bit_rate or (container.bit_rate if len(container.streams) == 1 else 0)
    found = {
        "kind": container.format.long_name,
        "codec": " ".join(filter(None, (codec.name, codec.profile))),
        "bit rate": f"{rate / 1000:,.0f} kbit/s" if rate else "",
    }
    tags = {name.lower(): value for name, value in (container.metadata | stream.metadata).items()}
    return found | {name: tags[name][:LONGEST] for name in TAGS if name in tags}


def _length(seconds: Fraction) -> str:
    return f"{float(seconds):.2f} s" if seconds else ""


def _bytes(path: Path) -> str:
    return f"{path.stat().st_size:,} bytes"
