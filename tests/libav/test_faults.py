"""Whatever PyAV raises while an input is read is an error of ours."""

import errno
from pathlib import Path

import av
import pytest

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.libav.faults import reading

PATH = Path("film.mkv")


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (av.error.InvalidDataError(1, "Invalid data found"), "Invalid data found"),
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), "more memory than there is"),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no start"), "UnicodeDecodeError"),
    ],
)
def test_what_is_raised_becomes_a_media_error(raised, said):
    with pytest.raises(MediaError, match=said) as caught, reading(PATH):
        raise raised
    assert str(caught.value).startswith("cannot read film.mkv: ")
    assert caught.value.__cause__ is raised


@pytest.mark.parametrize("raised", [SettingsError("no"), MemoryError(), KeyboardInterrupt()])
def test_what_is_not_the_files_fault_stays_as_it_is(raised):
    with pytest.raises(type(raised)) as caught, reading(PATH):
        raise raised
    assert caught.value is raised
