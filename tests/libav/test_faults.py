"""Whatever PyAV raises while an input is read is an error of ours; our own faults are none."""

import errno
from io import BytesIO
from pathlib import Path

import av
import pytest

from tests.clips import make_clip
from vs_gendrpix.cli.video import main
from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.libav.faults import reading
from vs_gendrpix.read.timing.times import Times

PATH = Path("film.mkv")


def no_text():
    av.VideoFrame.from_ndarray("a text")


def no_format():
    av.VideoFormat("nonsense")


def no_media():
    with av.open(BytesIO(b"no media")):
        pass


def no_file():
    Path("/nowhere/film.mkv").read_bytes()


@pytest.mark.parametrize(
    ("fails", "kind"),
    [
        (no_text, (TypeError, AttributeError)),
        (no_format, ValueError),
        (no_media, av.FFmpegError),
        (no_file, FileNotFoundError),
    ],
)
def test_what_pyav_and_files_raise_becomes_a_media_error(fails, kind):
    with pytest.raises(MediaError, match=r"^cannot read film\.mkv: ") as caught, reading(PATH):
        fails()
    assert isinstance(caught.value.__cause__, kind)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (av.error.InvalidDataError(1, "Invalid data found"), "Invalid data found"),
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), "more memory than there is"),
    ],
)
def test_the_message_says_why(raised, said):
    with pytest.raises(MediaError, match=said) as caught, reading(PATH):
        raise raised
    assert caught.value.__cause__ is raised


class Broken(BytesIO):
    """A file whose own code has a fault, when PyAV calls it."""

    def read(self, size):
        return len(size)


def broken_file():
    with av.open(Broken(), format="mpegts"):
        pass


def len_of_a_number():
    len(3)


@pytest.mark.parametrize("fails", [broken_file, len_of_a_number])
def test_a_fault_of_our_own_code_stays_one(fails):
    with pytest.raises(TypeError), reading(PATH):
        fails()


@pytest.mark.parametrize(("place", "code"), [("vs_gendrpix.read.timing.times", 70), ("av", 3)])
@pytest.mark.usefixtures("nearest_engine")
def test_a_type_error_ends_the_command_by_whose_it_is(tmp_path, monkeypatch, place, code):
    make_clip(tmp_path / "in.mp4")

    def wrong(_times, _picture):
        return av.VideoFrame.from_ndarray("a text") if place == "av" else len(3)

    monkeypatch.setattr(Times, "of", wrong)
    assert main([str(tmp_path / "in.mp4"), str(tmp_path / "out.mp4"), "-s", "1"]) == code


@pytest.mark.parametrize("raised", [SettingsError("no"), MemoryError(), KeyboardInterrupt()])
def test_what_is_not_the_files_fault_stays_as_it_is(raised):
    with pytest.raises(type(raised)) as caught, reading(PATH):
        raise raised
    assert caught.value is raised
