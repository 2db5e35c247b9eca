"""Recognise lists of files and playlists, before anything that they name is opened."""

from functools import cache
from pathlib import Path

import av
from av.format import ContainerFormat

from vs_gendrpix.errors import MediaError

_BEGINNINGS = (b"#extm3u", b"ffconcat version", b"[playlist]", b"v=0\r\n", b"v=0\n", b"<asx")
"""First bytes, in lower case, of M3U, FFmpeg's lists, PLS, session descriptions and ASX."""

_ROOTS = (b"<mpd", b"<playlist", b"<compositionplaylist", b"<smil", b"<assetmap")
"""Tags of XML lists: DASH, XSPF, IMF, SMIL and WPL."""

_REFUSED = {
    *("tty", "hls", "concat", "dash", "webm_dash_manifest", "imf", "sdp", "rtsp", "rtp", "sap"),
    *("vapoursynth", "avisynth"),
}
"""FFmpeg's demuxers that draw text as video, open what a list names, or run a script. They
recognise such files by content, whatever the name."""

_HEAD = 2048
"""Number of bytes at a file's beginning that are examined."""


def refuse_lists(path: Path) -> None:
    """Refuse a file that names other files: they could lie anywhere, or block for ever.

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
