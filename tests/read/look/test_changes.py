"""Changes of the picture are found before the work, wherever they lie."""

from fractions import Fraction

import pytest

from tests.changing import CONTAINERS, GROUPS, HEAVY, INTRA, make_changing_clip
from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.read.look.changes import refuse_changes
from vs_gendrpix.read.source import Source

SMALL, LARGE = (256, 128), (320, 192)


def look(path, end=None):
    with Clip(path) as clip:
        refuse_changes(clip, Source(clip).info.format, end)


@pytest.mark.parametrize("codec", INTRA)
def test_a_single_picture_of_another_size_is_found_by_its_header(tmp_path, codec):
    path = tmp_path / f"in.{CONTAINERS.get(codec, 'nut')}"
    make_changing_clip(path, codec, [SMALL] * 10 + [LARGE] + [SMALL] * 10)
    with pytest.raises(MediaError, match=r"256x128 .* to 320x192 .* at 0\.400 s"):
        look(path)
    look(path, end=Fraction(10, 25))


@pytest.mark.slow
@pytest.mark.parametrize("codec", GROUPS)
def test_a_change_at_a_keyframe_is_found(tmp_path, codec):
    path = tmp_path / f"in.{CONTAINERS.get(codec, 'nut')}"
    make_changing_clip(path, codec, [SMALL] * 12 + [LARGE] * 12 + [SMALL] * 12)
    with pytest.raises(MediaError, match=r"256x128 .* to 320x192 .* at 0\.(480|520) s"):
        look(path)


@pytest.mark.parametrize("codec", HEAVY)
def test_a_change_that_lasts_a_second_is_found_where_pictures_must_be_decoded(tmp_path, codec):
    path = tmp_path / f"in.{CONTAINERS.get(codec, 'nut')}"
    make_changing_clip(path, codec, [SMALL] * 12 + [LARGE] * 30 + [SMALL] * 12)
    with pytest.raises(MediaError, match=r"256x128 .* to 320x192"):
        look(path)


@pytest.mark.parametrize("codec", HEAVY)
def test_a_change_of_the_last_picture_is_found(tmp_path, codec):
    path = tmp_path / f"in.{CONTAINERS.get(codec, 'nut')}"
    make_changing_clip(path, codec, [SMALL] * 40 + [LARGE])
    with pytest.raises(MediaError, match=r"256x128 .* to 320x192"):
        look(path)


@pytest.mark.slow
@pytest.mark.parametrize("codec", [*INTRA, *GROUPS, *HEAVY])
def test_a_clip_that_does_not_change_passes(tmp_path, codec):
    path = tmp_path / f"in.{CONTAINERS.get(codec, 'nut')}"
    make_changing_clip(path, codec, [SMALL] * 30)
    look(path)


@pytest.mark.parametrize("codec", ["mjpeg", "libx265", "mpeg2video"])
def test_a_clip_can_be_read_after_the_look(tmp_path, codec):
    """Also where no search finds its beginning, so that it is opened anew."""
    path = tmp_path / "in.nut"
    make_changing_clip(path, codec, [SMALL] * 12)
    with Clip(path) as clip:
        refuse_changes(clip, Source(clip).info.format, None)
        assert len(list(Source(clip))) == 12
