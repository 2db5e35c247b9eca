"""How a player turns and mirrors a picture."""

from struct import pack

import av
import pytest
from av.sidedata.sidedata import Type

from tests.clips import make_clip
from tests.nearest import settings
from vs_gendrpix import EncodeSettings, process
from vs_gendrpix.libav.display_matrix import read_orientation

ONE = 1 << 16
PLAIN = EncodeSettings()


def matrix_of(path):
    """The upper left part of the display matrix: x and y on the screen of the picture's x and y."""
    with av.open(str(path)) as clip:
        found = next(clip.decode(video=0)).side_data
    if Type.DISPLAYMATRIX not in found:
        return (1, 0, 0, 1)
    numbers = memoryview(bytes(found[Type.DISPLAYMATRIX])).cast("i")
    return tuple(round(numbers[place] / ONE) for place in (0, 1, 3, 4))


@pytest.mark.slow
@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_each_of_the_eight_orientations_is_kept(tmp_path, suffix):
    found = set()
    for number in range(8):
        path, out = tmp_path / f"{number}.mov", tmp_path / f"{number}-out.{suffix}"
        degrees, hflip = 90 * (number % 4), number >= 4

        def prepare(_, stream, degrees=degrees, hflip=hflip):
            stream.set_display_rotation(degrees, hflip=hflip)

        make_clip(path, prepare=prepare)
        report = process(path, out, settings())
        assert report.warnings == ()
        assert matrix_of(out) == matrix_of(path)
        found.add(matrix_of(out))
    assert len(found) == 8


@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize("suffix", ["y4m", "png"])
def test_a_mirroring_that_is_lost_is_named(tmp_path, suffix):
    make_clip(
        tmp_path / "in.mov",
        times=(0,),
        prepare=lambda _, stream: stream.set_display_rotation(-90, hflip=True),
    )
    report = process(tmp_path / "in.mov", tmp_path / f"out.{suffix}", settings(encode=PLAIN))
    words = "the rotation by 90 degrees and the mirroring"
    assert any(words in said for said in report.warnings)


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ((ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), (0, False, True)),
        ((2 * ONE, 0, 0, 0, -ONE, 0, 640 * ONE, 0, 1 << 30), (180, True, True)),
        ((ONE, ONE, 0, 0, ONE, 0, 0, 0, 1 << 30), (45, False, False)),
        ((0, 0, 0, 0, 0, 0, 0, 0, 0), (0, False, False)),
    ],
    ids=["none", "scaled and flipped", "a slant", "nothing"],
)
def test_what_is_more_than_a_rotation_is_told(numbers, found):
    assert read_orientation({Type.DISPLAYMATRIX: pack("9i", *numbers)}) == found
