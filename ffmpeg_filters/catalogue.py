"""The one list of filters that our functions use, and of the runners that have them."""

from difflib import get_close_matches

from ffmpeg_filters.errors import GraphError, MissingFilterError
from ffmpeg_filters.graph import Graph
from ffmpeg_filters.in_process import InProcess
from ffmpeg_filters.presets import PRESETS
from ffmpeg_filters.program import Program

IN_BOTH = frozenset(
    {
        *("atadenoise", "blend", "bwdif", "cas", "chromanr", "crop", "deband", "deblock"),
        *("decimate", "deflicker", "estdif", "fftdnoiz", "fieldmatch", "format", "fps", "hstack"),
        *("idet", "lut3d", "nlmeans", "noise", "null", "pad", "removegrain", "scale", "setparams"),
        *("setsar", "split", "tmedian", "tonemap", "unsharp", "vstack", "w3fdif", "yadif"),
    }
)
"""Filters used by our functions that PyAV's libavfilter and the ffmpeg program both have."""

PROGRAM_ONLY = frozenset(
    {
        *("ass", "blackframe", "boxblur", "colormatrix", "cover_rect", "cropdetect", "delogo"),
        *("derain", "drawtext", "eq", "find_rect", "frei0r", "fspp", "histeq", "hqdn3d"),
        *("interlace", "kerndeint", "libplacebo", "mpdecimate", "nnedi", "owdenoise"),
        *("perspective", "phase", "pp", "pp7", "pullup", "repeatfields", "sab", "signature"),
        *("smartblur", "spp", "sr", "stereo3d", "subtitles", "super2xsai", "tinterlace"),
        *("vaguedenoiser", "vidstabdetect", "vidstabtransform", "zscale"),
    }
)
"""Filters that PyAV's libavfilter lacks (they are GPL or need further libraries) and that the
program of Debian 12, ffmpeg 5.1, has."""

DEINTERLACERS = frozenset(
    {
        *("bwdif", "detelecine", "doubleweave", "estdif", "fieldmatch", "kerndeint", "nnedi"),
        *("pullup", "repeatfields", "separatefields", "telecine", "tinterlace", "w3fdif", "weave"),
        "yadif",
    }
)
"""Filters that process fields. A graph with one of them needs no deinterlacing before it."""

_INSTALL = "install it (Debian: apt-get install ffmpeg) or name its file"

type Runner = InProcess | Program


def runner_for(graph: Graph, program: str | None = None) -> Runner:
    """Choose a runner for a graph: this process, or else the ffmpeg program.

    Args:
        graph: What shall be run.
        program: The program's file; None is `ffmpeg` on the PATH.

    Raises:
        GraphError: A name is no filter's, or there is no such program.
        MissingFilterError: The graph has filters that need a program, and none with them is found.
    """
    here = InProcess()
    missing = sorted(graph.filters - here.filters)
    if not missing:
        return here
    found = Program.find(program)
    if found is None and program is not None:
        raise GraphError(f"there is no program {program}: name an ffmpeg program's file")
    still_missing = missing if found is None else sorted(graph.filters - found.filters)
    if found is not None and not still_missing:
        return found
    name = still_missing[0]
    if found is None and name in PROGRAM_ONLY:
        raise MissingFilterError(f"the filter {name} needs the ffmpeg program: {_INSTALL}")
    if name in here.filters | PROGRAM_ONLY:
        raise MissingFilterError(
            f"{found.name if found else 'the ffmpeg program'} has no filter {name}, "
            f"and this process has no {missing[0]}: name another program"
        )
    near = get_close_matches(name, here.filters | PROGRAM_ONLY | PRESETS.keys(), n=1)
    meant = f": did you mean {near[0]}?" if near else " here, nor known to be in the ffmpeg program"
    raise GraphError(f"there is no filter {name}{meant}")
