"""Facts of an output: hashes of its frames and packets, its times and its tags.

All of it is read with PyAV alone, and all of it is JSON, so that two outputs can be compared
without keeping them.
"""

import hashlib
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

Facts = dict[str, Any]
"""Facts by name: `frames` (a hash each), `times`, `packets` (a hash per stream), `tags`."""

SILENT = ("encoder", "_umid")
"""Ends of the names of tags that are not compared: they hold a library's version, or are random."""
COLOR = ("colorspace", "color_primaries", "color_trc", "color_range", "chroma_location")


def digest(parts: Iterable[bytes]) -> str:
    """Compute the first 16 digits of the SHA-256 of bytes, one after the other."""
    made = hashlib.sha256()
    for part in parts:
        made.update(part)
    return made.hexdigest()[:16]


def facts_of(path: Path) -> Facts:
    """List the facts of a file, or of each picture of a folder, by its name."""
    if not path.is_dir():
        return facts_of_file(path)
    each = {file.name: facts_of_file(file) for file in sorted(path.iterdir())}
    return {
        name: {file: facts[name] for file, facts in each.items()}
        for name in ("frames", "times", "packets", "tags")
    }


def facts_of_file(path: Path) -> Facts:
    """List the facts of a file with one picture or one video stream."""
    with av.open(str(path)) as file:
        tags = {
            "format": file.format.name,
            "metadata": spoken(file.metadata),
            "duration": file.duration,
            "chapters": [
                chapter | {"time_base": str(chapter["time_base"])}
                for chapter in plain(file.chapters())
            ],
            "streams": [stream_tags(stream) for stream in file.streams],
        }
        packets = packets_of(file)
    with av.open(str(path)) as file:
        frames, times, seen = pictures_of(file)
    return {"frames": frames, "times": times, "packets": packets, "tags": tags | {"pictures": seen}}


def plain(chapters: Iterable[Any]) -> list[dict[str, Any]]:
    """Remove the numbers of chapters, which some containers draw at random."""
    return [{key: value for key, value in dict(one).items() if key != "id"} for one in chapters]


def spoken(metadata: dict[str, str]) -> dict[str, str]:
    """Remove the tags that `SILENT` names."""
    return {
        key: value for key, value in sorted(metadata.items()) if not key.lower().endswith(SILENT)
    }


def stream_tags(stream: av.stream.Stream) -> Facts:
    """List the tags of a stream in the container and the codec."""
    context = stream.codec_context
    tags: Facts = {
        "type": stream.type,
        "time_base": text(stream.time_base),
        "start_time": stream.start_time,
        "duration": stream.duration,
        "disposition": stream.disposition.value,
        "metadata": spoken(stream.metadata),
    }
    if context is None:
        return tags
    tags |= {
        "codec": context.name,
        "tag": context.codec_tag,
        "profile": context.profile,
        "extradata": digest([context.extradata or b""]),
    }
    if stream.type == "video":
        tags |= {
            "size": [context.width, context.height],
            "pix_fmt": context.pix_fmt,
            "average_rate": text(stream.average_rate),
            "sample_aspect_ratio": text(stream.sample_aspect_ratio),
            "color": [int(getattr(context, name, 0) or 0) for name in COLOR[:4]],
        }
    if stream.type == "audio":
        tags |= {
            "rate": context.sample_rate,
            "layout": context.layout.name,
            "format": context.format.name if context.format else None,
        }
    return tags


def packets_of(file: av.container.InputContainer) -> list[str]:
    """Count the packets of each stream, and hash their bytes and times."""
    parts: dict[int, list[bytes]] = {stream.index: [] for stream in file.streams}
    for packet in file.demux():
        if packet.size:
            said = (packet.pts, packet.dts, packet.duration, packet.is_keyframe)
            parts[packet.stream_index].append(repr(said).encode() + bytes(packet))
    return [f"{len(found)}: {digest(found)}" for found in parts.values()]


def pictures_of(file: av.container.InputContainer) -> tuple[list[str], list[str], list[Facts]]:
    """Hash each frame's pixels, and list its time and the frames' shared properties."""
    stream = next(
        s for s in file.streams.video if not s.disposition & av.stream.Disposition.attached_pic
    )
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    frames, times, seen = [], [], []
    for picture in file.decode(stream):
        frames.append(digest(pixels(picture)))
        times.append(text(picture.pts * picture.time_base))
        said = {
            "format": f"{picture.width}x{picture.height} {picture.format.name}",
            "color": [int(getattr(picture, name, 0) or 0) for name in COLOR],
            "interlaced": bool(picture.interlaced_frame),
            "rotation": picture.rotation,
            "side_data": sorted(
                f"{data.type.name} {digest([bytes(data)])}"
                for data in picture.side_data.values()
                if data.type.name != "SEI_UNREGISTERED"  # the encoder's version and options
            ),
        }
        if said not in seen:
            seen.append(said)
    return frames, times, seen


def pixels(picture: av.VideoFrame) -> Iterable[bytes]:
    """Join the bytes of a picture's planes, without the rows' padding."""
    form = picture.format
    for plane in picture.planes:
        alone = len(picture.planes) == 1
        bits = form.padded_bits_per_pixel if alone else (form.components[0].bits + 7) // 8 * 8
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, -1)
        yield rows[:, : plane.width * bits // 8].tobytes()


def text(value: Fraction | None) -> str | None:
    """Write a fraction as FFmpeg does."""
    return None if value is None else f"{value.numerator}/{value.denominator}"
