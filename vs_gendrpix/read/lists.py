"""Recognise lists of files and playlists, before anything that they name is opened."""

from functools import cache
from pathlib import Path

import av
from av.format import ContainerFormat

from vs_gendrpix.errors import MediaError

_BEGINNINGS = (b"#extm3u", b"ffconcat version", b"[playlist]", b"v=0\r\n", b"v=0\n", b"<asx")
"""Of M3U, of FFmpeg's own lists, of PLS, of session descriptions and of ASX, in lower case."""

_ROOTS = (b"<mpd", b"<playlist", b"<compositionplaylist", b"<smil", b"<assetmap")
"""Tags of XML lists: DASH, XSPF, IMF, SMIL and WPL."""

_REFUSED = {
    *("tty", "hls", "concat", "dash", "webm_dash_manifest", "imf", "sdp", "rtsp", "rtp", "sap"),
    *("vapoursynth", "avisynth"),
}
"""FFmpeg's demuxers that draw text as video, open what a list names, or run a script: these know
it by what is in it, whatever its name."""

_HEAD = 2048
"""Bytes that are looked at."""


def refuse_lists(path: Path) -> None:
    """Refuse a file that only names others: they could be anywhere, or wait for ever.

    Raises:
        MediaError: It is such a list.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_xml_list = head.startswith(b"<") and any(root in head for root in _ROOTS)
    if head.startswith(_BEGINNINGS) or is_xml_list:
        form = "-f concat " if head.startswith(b"ffconcat") else ""
        raise MediaError(
            f"{path} is a list of files, and what it names is not opened: join them first, as by "
            f"ffmpeg {form}-i LIST -c copy JOINED.mkv, and give the joined file"
        )


@cache
def media_formats() -> str:
    """Name the demuxers that open one file and nothing else, for libav's `format_whitelist`."""
    allowed: set[str] = set()
    for name in av.formats_available:
        try:
            names = ContainerFormat(name, "r").name.split(",")
        except ValueError:  # a muxer alone
            continue
        if not _REFUSED.intersection(names):
            allowed.update(names)
    return ",".join(sorted(allowed))
