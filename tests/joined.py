"""Files that are joined from parts with clocks of their own."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np

from tests.clips import Contents, make_frames
from vs_gendrpix.libav.pixels import to_picture

FRAME = Fraction(1, 25)
COUNT = 18
"""Frames of a part."""

MARK = 0.5
"""Seconds from a part's beginning to a click."""

KINDS = {
    ".ts": ("mpegts", "libx264", "mp2", {}),
    ".m2ts": ("mpegts", "libx264", "ac3", {"mpegts_m2ts_mode": "1"}),
    ".vob": ("vob", "mpeg2video", "mp2", {}),
    ".flv": ("flv", "libx264", "aac", {}),
}
"""Muxer, codecs and the muxer's options, by extension."""

STARTS = {
    "same": (1, 1, 1, 1),
    "back": (3000, 1500, 1, 20),
    "jump": (1, 5000, 5100, 20000),
    "both": (1, 100000, 7, 100000),
    "wrap": (1, 95443, 5, 5),  # of 2^33 ticks of 1/90000 s
}
"""Seconds at which the clocks of parts begin."""

_FLV_HEADER = 13


@dataclass(frozen=True)
class Part:
    """What a part holds: when its pictures are shown, and when each packet of sound is."""

    pictures: list[Fraction]
    sound: dict[bytes, Fraction]


def make_joined(
    path: Path,
    starts: tuple[int, ...],
    sound: str | None = None,
    rate: Fraction = 1 / FRAME,
) -> list[Part]:
    """Join parts of 0.72 s whose clocks begin at these seconds; each has noise of its own.

    The pictures have two B-frames between others, and a keyframe in the middle. The sound lasts a
    little longer, and has a click at `MARK`.

    Args:
        path: The file, of one of `KINDS`.
        starts: The seconds.
        sound: Encoder of the sound; None is the kind's.
        rate: Frames a second.
    """
    parts = []
    with path.open("wb") as joined:
        for number, start in enumerate(starts):
            single = path.with_name(f"part{number}{path.suffix}")
            _make_part(single, start, number, (sound, rate))
            parts.append(_part(single))
            data = single.read_bytes()
            # A second header ends a FLV: what appends to one writes no other.
            joined.write(data[_FLV_HEADER:] if number and path.suffix == ".flv" else data)
            single.unlink()
    return parts


def _make_part(path: Path, start: int, seed: int, chosen: tuple[str | None, Fraction]) -> None:
    sound_codec, rate = chosen
    first = round(start * rate)
    form, codec, usual, options = KINDS[path.suffix]
    sound_codec = sound_codec or usual
    with av.open(str(path), "w", format=form, container_options=options) as output:
        video = output.add_stream(codec, rate=rate, options={"bf": "2", "g": "9", "b": "800k"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = output.add_stream(sound_codec, rate=48000)
        size = {"mp2": 1152, "ac3": 1536, "aac": 1024, "pcm_dvd": 960}[sound_codec]
        noise, heard = np.random.default_rng(seed), 0
        for number, frame in enumerate(make_frames(times=range(COUNT), tick=1 / rate)):
            picture = to_picture(frame, "yuv420p")
            picture.pts = first + number
            output.mux(video.encode(picture))
            while heard < (number + 1) * 48000 / rate:
                samples = noise.normal(0, 0.05, (2, size)).astype(np.float32)
                click = int(MARK * 48000) - heard
                if 0 <= click < size:
                    samples[:, click] = 0.9
                wave = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
                wave.sample_rate, wave.time_base = 48000, Fraction(1, 48000)
                wave.pts = round(first / rate * 48000) + heard
                output.mux(sound.encode(wave))
                heard += size
        output.mux(video.encode(None))
        output.mux(sound.encode(None))


def _part(path: Path) -> Part:
    pictures, sound = [], {}
    with av.open(str(path)) as single:
        for packet in single.demux(single.streams.video[0], single.streams.audio[0]):
            if packet.size and packet.stream.type == "video":
                pictures.append(packet.pts * Fraction(str(packet.time_base)))
            elif packet.size:
                sound[bytes(packet)] = packet.pts * Fraction(str(packet.time_base))
    return Part(sorted(pictures), sound)


def steps(times: list[Fraction]) -> set[float]:
    """The distances between times, in milliseconds."""
    return {round(float(b - a) * 1000, 1) for a, b in pairwise(times)}


def worst_sound(
    parts: list[Part], found: Contents, first: Fraction = Fraction(0), rate: Fraction = 1 / FRAME
) -> tuple[Fraction, int]:
    """Compare a finished file with the parts.

    Args:
        parts: The parts.
        found: The file's contents.
        first: Seconds of the joined parts before its first picture.
        rate: Frames a second.

    Returns:
        Seconds by which sound is early or late at most, beside the pictures with which it was
        recorded; and the number of its packets.
    """
    apart = []
    for data, seconds in next(iter(found.sides.values())):
        number = next(n for n, part in enumerate(parts) if data in part.sound)
        begin = found.times[0] - first + number * COUNT / rate
        apart.append(abs(seconds - begin - (parts[number].sound[data] - parts[number].pictures[0])))
    return max(apart), len(apart)
