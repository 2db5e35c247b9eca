"""Filters that reach outside of a graph: files, foreign code and the network."""

import re
from dataclasses import replace

from ffmpeg_filters.errors import GraphError
from ffmpeg_filters.graph import Graph, Node

_ALWAYS = frozenset(
    {
        *("amovie", "arnndn", "ass", "coreimage", "coreimagesrc", "cover_rect", "derain"),
        *("dnn_classify", "dnn_detect", "dnn_processing", "fieldhint", "find_rect", "frei0r"),
        *("frei0r_src", "ladspa", "lensfun", "lut1d", "lut3d", "lv2", "movie", "nnedi", "ocr"),
        *("openclsrc", "program_opencl", "removelogo", "sofalizer", "sr", "subtitles"),
        *("vidstabdetect", "vidstabtransform", "whisper"),
        *("asendcmd", "sendcmd"),  # their commands set other filters' options later
    }
)
"""Filters that always reach outside, whatever their options are."""

_NETWORK = frozenset({"azmq", "zmq"})
"""Filters that listen on the network."""

_BY_OPTION: dict[str, tuple[int, frozenset[str]]] = {
    "ametadata": (5, frozenset({"file"})),
    "cellauto": (0, frozenset({"f", "filename"})),
    "curves": (1, frozenset({"plot", "psfile"})),
    "deshake": (10, frozenset({"filename"})),
    "drawtext": (0, frozenset({"fontfile", "textfile"})),
    "drawvg": (0, frozenset({"f", "file"})),
    "ebur128": (0, frozenset({"stats_file"})),
    "firequalizer": (2, frozenset({"dumpfile"})),
    "libplacebo": (2, frozenset({"custom_shader_path", "lut"})),
    "libvmaf": (0, frozenset({"feature", "log_path", "model"})),
    "life": (0, frozenset({"f", "filename"})),
    "loudnorm": (5, frozenset({"stats_file"})),
    "metadata": (5, frozenset({"file"})),
    "paletteuse": (5, frozenset({"debug_kdtree"})),
    "psnr": (0, frozenset({"f", "stats_file"})),
    "qrencode": (0, frozenset({"fontfile", "textfile"})),
    "qrencodesrc": (0, frozenset({"fontfile", "textfile"})),
    "selectivecolor": (1, frozenset({"psfile"})),
    "showcqt": (2, frozenset({"axisfile", "fontfile"})),
    "signature": (2, frozenset({"filename"})),
    "ssim": (0, frozenset({"f", "stats_file"})),
    "ssim360": (0, frozenset({"f", "stats_file"})),
    "vmafmotion": (0, frozenset({"f", "stats_file"})),
    "xpsnr": (0, frozenset({"f", "stats_file"})),
}
"""Filters that reach outside by an option: the number of unnamed options that are surely others,
and the names of the options that open files."""

_PROTOCOLS = (
    *("amqp", "async", "bluray", "cache", "concat", "concatf", "crypto", "data", "dtls", "fd"),
    *("ffrtmpcrypt", "ffrtmphttp", "ftp", "gopher", "gophers", "hls", "http", "httpproxy"),
    *("https", "icecast", "ipfs", "ipns", "md5", "mmsh", "mmst", "pipe", "prompeg", "rist"),
    *("rtmp", "rtmpe", "rtmps", "rtmpt", "rtmpte", "rtmpts", "rtp", "sftp", "smb", "srt"),
    *("srtp", "subfile", "tcp", "tee", "tls", "udp", "udplite", "unix", "zmq"),
)
_FOREIGN = re.compile(rf"(?:^|[^a-z0-9_])(?:{'|'.join(_PROTOCOLS)})[:,]|://", re.IGNORECASE)

_FILES_ONLY = "format_opts=protocol_whitelist=file"


def reaching_outside(graph: Graph) -> tuple[str, ...]:
    """Name the filters of a graph that open files, load foreign code or use the network.

    Returns:
        Their names, in alphabetical order.
    """
    nodes = [node for chain in graph.chains for node in chain]
    return tuple(sorted({node.name for node in nodes if _reaches_outside(node)}))


def kept_local(graph: Graph) -> Graph:
    """Keep the filters of a graph that open files from opening anything else.

    Returns:
        The graph, in which films that it opens may lie in files only.

    Raises:
        GraphError: It uses the network, or another protocol than files.
    """
    if not reaching_outside(graph):
        return graph
    chains = tuple(tuple(_local(node) for node in chain) for chain in graph.chains)
    return graph if chains == graph.chains else Graph.of(chains, graph.files)


def _reaches_outside(node: Node) -> bool:
    if node.name in _ALWAYS | _NETWORK:
        return True
    # Split at escaped colons too: an option is rather seen where there is none than not seen.
    options = [part.strip() for part in node.arguments.split(":")]
    if any(option.startswith("/") for option in options):  # the ffmpeg program reads `/text=FILE`
        return True
    if node.name not in _BY_OPTION:
        return False
    unnamed, names = _BY_OPTION[node.name]
    named = [re.match(r"([a-z0-9_]+)\s*=", option) for option in options]
    if any(found and found[1] in names for found in named):
        return True
    return bool(node.arguments) and named.count(None) > unnamed


def _local(node: Node) -> Node:
    """Keep one filter to files."""
    if not _reaches_outside(node):
        return node
    plain = re.sub(r"[\\']", "", node.arguments)
    if node.name in _NETWORK or _FOREIGN.search(plain):
        raise GraphError(f"the filter {node.name} may open local files, nothing else")
    if node.name not in {"movie", "amovie"}:
        return node
    if "format_opts" in plain:
        raise GraphError(f"the options format_opts of {node.name} are ours: leave them out")
    return replace(node, arguments=f"{node.arguments}:{_FILES_ONLY}")
