"""Lists of files are refused before anything that they name is opened."""

import os
import subprocess
import sys

import pytest

from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.lists import media_formats
from vs_gendrpix.read.opening import open_input

DASH = """<?xml version="1.0"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet
mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>named.ts</BaseURL>
</Representation></AdaptationSet></Period></MPD>
"""
LISTS = {
    "hls.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nnamed.ts\n#EXT-X-ENDLIST\n",
    "marked.m3u": "\ufeff#EXTM3U\nnamed.ts\n",
    "named.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nnamed.ts\n",
    "list.txt": "ffconcat version 1.0\nfile named.ts\n",
    "dash.mpd": DASH,
    "radio.pls": "[playlist]\nFile1=named.ts\n",
    "songs.xspf": '<?xml version="1.0"?>\n<playlist version="1"><trackList/></playlist>',
    "media.asx": '<ASX VERSION="3.0"><ENTRY><REF HREF="named.ts"/></ENTRY></ASX>',
    "stream.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "cpl.xml": '<?xml version="1.0"?><CompositionPlaylist xmlns="x"/>',
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_says_how_to_join_files(tmp_path, name):
    (tmp_path / name).write_text(LISTS[name], encoding="utf-8")
    with pytest.raises(MediaError, match=r"is a list of files.*join them first.* -c copy"):
        open_input(tmp_path / name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hls.m3u8", "list.txt"])
@pytest.mark.parametrize("piped", [False, True])
def test_what_a_list_names_is_not_opened(tmp_path, name, piped):
    """The command would wait for a FIFO without a writer as long as it lives."""
    (tmp_path / name).write_text(LISTS[name], encoding="utf-8")
    os.mkfifo(tmp_path / "named.ts")
    source = "-" if piped else name
    with (tmp_path / name).open("rb") as given:
        done = subprocess.run(
            [sys.executable, "-m", "vs_gendrpix", "video", source, "out.mp4"],
            cwd=tmp_path,
            stdin=given,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 3, done.stderr
    assert done.stderr.count("\n") == 1


def test_media_are_open_to_all_demuxers_that_open_one_file():
    allowed = media_formats().split(",")
    assert {"mov", "matroska", "mpegts", "image2", "rawvideo", "yuv4mpegpipe"} <= set(allowed)
    assert not {"hls", "concat", "sdp", "tty", "dash"} & set(allowed)


def test_a_name_that_is_too_long_is_one_line(tmp_path):
    with pytest.raises(MediaError, match="cannot read"):
        open_input(tmp_path / ("x" * 5000))
