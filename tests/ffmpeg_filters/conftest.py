import pytest

from ffmpeg_filters import InProcess, Program


@pytest.fixture
def program():
    """The ffmpeg program; skips where there is none."""
    found = Program.find()
    if found is None:
        pytest.skip("no ffmpeg program on the PATH")
    return found


@pytest.fixture(params=["in process", "program"])
def runner(request):
    """Each of the two runners."""
    return InProcess() if request.param == "in process" else request.getfixturevalue("program")
