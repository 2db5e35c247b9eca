"""The index of a file's packets goes from one process to another as text."""

import os

import pytest

from tests.clips import UNEVEN, make_clip
from tests.joined import STARTS, make_joined
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.timing import index
from vs_gendrpix.read.timing.index_text import kept_index, know_index
from vs_gendrpix.settings import ReadSettings

ANY = ReadSettings()


def index_read(path):
    with Clip(path) as clip:
        return clip.index


@pytest.mark.parametrize("name", ["even.mp4", "uneven.mkv", "in.h264", "joined.ts", "joined.vob"])
def test_it_comes_back_as_it_was(tmp_path, name, monkeypatch):
    path = tmp_path / name
    if name.startswith("joined"):
        make_joined(path, STARTS["both"])
    else:
        make_clip(path, **({"times": UNEVEN} if name == "uneven.mkv" else {}))
    read, text = index_read(path), kept_index(path, ANY)
    index._known.clear()
    know_index(path, text)
    monkeypatch.setattr(index, "_indexed", lambda *_: pytest.fail("the file is read again"))
    assert index_read(path) == read


@pytest.mark.parametrize("change", ["time", "size"])
def test_that_of_a_file_that_has_changed_is_passed_over(tmp_path, change):
    path = tmp_path / "in.mp4"
    make_clip(path)
    index_read(path)
    text = kept_index(path, ANY)
    if change == "time":
        os.utime(path, ns=(1, 1))
    else:
        path.write_bytes(path.read_bytes() + bytes(8))
    know_index(path, text)
    assert kept_index(path, ANY) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"file": [null, 1]}', '{"file": 3}'])
def test_damaged_text_is_passed_over(tmp_path, text):
    path = tmp_path / "in.mp4"
    make_clip(path)
    know_index(path, text)
    assert kept_index(path, ANY) is None
