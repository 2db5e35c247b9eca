"""The filters that a clip goes through before it is restored, and after."""

from collections.abc import Mapping

from ffmpeg_filters import (
    DEINTERLACERS,
    PRESETS,
    PRESETS_OF_FRAMES,
    Filter,
    FilterError,
    Graph,
    Node,
    deinterlace,
    graph_of,
    inverse_telecine,
    kept_local,
    reaching_outside,
)
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.pixels import encoder_layout, planar_name
from vs_gendrpix.read.look.fields import Kind, Scan
from vs_gendrpix.settings import Deinterlace, PrepareSettings, ProcessSettings

_CALLED_FOR: dict[Kind, Deinterlace] = {
    "progressive": "off",
    "interlaced": "bwdif",
    "telecined": "ivtc",
}


def presets() -> dict[str, str]:
    """List the filter presets: the purpose of each, by its name."""
    return {name: (preset.__doc__ or "").partition("\n")[0] for name, preset in PRESETS.items()}


def graphs_before(settings: PrepareSettings, found: Scan, notes: Notes) -> list[str]:
    """List the filter graphs for frames before they are restored: deinterlacing, then the user's.

    A preset leaves the fields to what is asked for or has been found. Where nothing could be looked
    at, in a pipe, it takes care of them itself.

    Args:
        settings: What is asked for.
        found: What the clip is.
        notes: Is told what has been decided.

    Raises:
        SettingsError: The filter that is asked for is no graph, or reaches outside of it.
    """
    known = found.looked or settings.deinterlace != "auto"
    presets = PRESETS_OF_FRAMES if known else PRESETS
    asked = [] if settings.pre_filter is None else [_graph(settings.pre_filter, settings, presets)]
    handled = any(graph.filters & DEINTERLACERS for graph in asked)
    if handled and not known and settings.pre_filter in PRESETS:
        notes.decide(
            f"a pipe does not tell whether it is interlaced: --pre-filter {settings.pre_filter} "
            "deinterlaces it"
        )
    graphs = [*_deinterlacing(settings.deinterlace, found, notes, handled=handled), *asked]
    return [graph.text for graph in graphs]


def graphs_after(settings: ProcessSettings) -> list[str]:
    """List the filter graphs for restored frames before they are encoded.

    Raises:
        SettingsError: The filter that is asked for is no graph, or reaches outside of it.
    """
    if settings.finish.post_filter is None:
        return []
    pix_fmt = planar_name(encoder_layout(settings.write.encode.pix_fmt))
    back = Node(name="format", arguments=pix_fmt, inputs=(), outputs=())
    graph = _graph(settings.finish.post_filter, settings.prepare, PRESETS_OF_FRAMES)
    return [graph.followed_by(back).text]


def _graph(given: str, settings: PrepareSettings, presets: Mapping[str, Filter]) -> Graph:
    """Make the graph of a preset's name or of FFmpeg's own syntax, within what is allowed."""
    try:
        graph = graph_of(presets.get(given, given))
        outside = reaching_outside(graph)
        if outside and not settings.allow_filter_files:
            raise SettingsError(
                f"the filter {outside[0]} opens files or loads foreign code: where you trust the "
                "graph, give --allow-filter-files (allow_filter_files)"
            )
        return kept_local(graph)
    except FilterError as error:
        raise SettingsError(str(error)) from error


def _deinterlacing(mode: Deinterlace, found: Scan, notes: Notes, *, handled: bool) -> list[Graph]:
    """List the graph that makes whole pictures of fields, if one is called for."""
    called_for: Deinterlace = _CALLED_FOR[found.kind]
    said = "" if found.flagged else ", though it does not say so"
    if handled or called_for == "off":
        mode = "off" if mode == "auto" else mode
    elif mode == "off":
        notes.warn(f"the clip is {found.kind}{said}: try --deinterlace {called_for}")
    elif mode == "auto":
        notes.decide(f"the clip is {found.kind}{said}: --deinterlace {called_for} is done")
        mode = called_for
    if mode == "bwdif":
        return [graph_of(deinterlace)]
    return [graph_of(inverse_telecine)] if mode == "ivtc" else []
