"""Chains of filters for kinds of material, to use before restoring."""

from collections.abc import Mapping
from types import MappingProxyType

from ffmpeg.nodes import FilterableStream as Stream

from ffmpeg_filters.filters import (
    deband,
    deblock,
    deflicker,
    degrain,
    deinterlace,
    denoise_chroma,
    denoise_temporal,
    inverse_telecine,
    remove_dirt,
)
from ffmpeg_filters.graph import Filter


def vhs(stream: Stream) -> Stream:
    """Video tape: a picture for each field, less noise in time, less blotchy colour."""
    return _tape(deinterlace(stream))


def _tape(stream: Stream) -> Stream:
    return denoise_chroma(denoise_temporal(stream))


def dvd_interlaced(stream: Stream) -> Stream:
    """An interlaced DVD or broadcast in MPEG-2: a picture for each field, no block edges."""
    return _disc(deinterlace(stream))


def _disc(stream: Stream) -> Stream:
    return deblock(stream, strength="weak")


def film_16mm(stream: Stream) -> Stream:
    """16 mm film: no flicker, little of its coarse grain."""
    return degrain(deflicker(stream), strength=6)


def film_35mm(stream: Stream) -> Stream:
    """35 mm film: half of its fine grain."""
    return degrain(stream, strength=2)


def silent_film(stream: Stream) -> Stream:
    """Silent film: no flicker, no dust, little grain."""
    return degrain(remove_dirt(deflicker(stream, size=15)), strength=5)


def old_web(stream: Stream) -> Stream:
    """Heavily compressed video of the early web: no blocks, no bands, no mosquitoes."""
    return deband(denoise_temporal(deblock(stream), strength=2))


def anime_dvd(stream: Stream) -> Stream:
    """Telecined animation in MPEG-2: the film's own pictures, no block edges, no bands."""
    return _cels(inverse_telecine(stream))


def _cels(stream: Stream) -> Stream:
    return deband(deblock(stream, strength="weak"), threshold=0.01)


PRESETS: Mapping[str, Filter] = MappingProxyType(
    {
        preset.__name__: preset
        for preset in (
            vhs,
            dvd_interlaced,
            film_16mm,
            film_35mm,
            silent_film,
            old_web,
            anime_dvd,
        )
    }
)
"""All presets by name."""

PRESETS_OF_FRAMES: Mapping[str, Filter] = MappingProxyType(
    {**PRESETS, "vhs": _tape, "dvd_interlaced": _disc, "anime_dvd": _cels}
)
"""All presets without their deinterlacing, for clips whose fields are already dealt with."""
