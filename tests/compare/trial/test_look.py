"""What is seen of a clip: which frames are looked at, and what is seen between them."""

import numpy as np
import pytest

from benchmarks.try_clips import drawn, noisy, write
from tests.clips import make_clip
from vs_gendrpix.settings import ReadSettings

pytest.importorskip("cv2", reason="the extra `evaluation` is not installed")

from tests.strategies import frame_format
from vs_gendrpix.compare.trial.damage import middle
from vs_gendrpix.compare.trial.findings import findings
from vs_gendrpix.compare.trial.look import look
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.open import open_input

SMALL = (64, 48)


def seen_of(path):
    with open_input(path, ReadSettings(), Notes()) as clip:
        return look(clip)


def test_of_a_long_clip_twelve_runs_are_looked_at_and_its_scenes_are_told_apart(tmp_path):
    """The scene changes where nobody looks, between two runs. The last run ends with the clip."""
    scenes = [[drawn(0, seed, SMALL)] * count for count, seed in ((168, 1), (144, 4))]
    path = write(tmp_path / "a.mp4", scenes[0] + scenes[1], codec="mpeg4")
    seen = seen_of(path)
    assert (seen.total, seen.frames, seen.steps, len(seen.samples)) == (312, 277, 265, 24)
    expected = [13 + 26 * run + half for run in range(12) for half in (0, 12)]
    assert [25 * sample.seconds for sample in seen.samples] == expected
    assert [sample.scene for sample in seen.samples] == [0] * 12 + [1] * 12
    assert seen.cuts == 0


def test_a_clip_that_begins_late_is_counted_from_its_first_frame(tmp_path):
    make_clip(tmp_path / "a.mkv", times=[25600 + 512 * number for number in range(6)])
    seen = seen_of(tmp_path / "a.mkv")
    assert [sample.seconds * 25 for sample in seen.samples] == list(range(6))
    assert seen.end * 25 == 6


def test_what_hardly_changes_repeats(tmp_path):
    rng = np.random.default_rng(3)
    still = drawn(0, size=SMALL)

    def changed(share):
        return still + 3 * (rng.random(still.shape[:2]) < share)[..., None]

    steps = [changed(0.01), still, changed(0.2), still]
    assert seen_of(write(tmp_path / "a.mkv", [still, *steps])).repeats == 2


def test_of_a_large_clip_every_second_row_is_compared(tmp_path):
    """To compare all of them would take thirty times as long at 1080 rows."""
    still = drawn(0, size=(64, 540))
    odd, even = still.copy(), still.copy()
    odd[1::2] += 40
    even[::2] += 40
    assert seen_of(write(tmp_path / "a.mkv", [still, odd, even])).repeats == 1


def test_neither_a_fade_nor_a_small_change_is_a_cut(tmp_path):
    lit = drawn(0, size=SMALL)
    fade = [lit * (1 - number / 6) for number in range(7)]
    assert seen_of(write(tmp_path / "a.mkv", [lit, *fade])).cuts == 0
    for share, cuts in ((0.95, 0), (0.85, 1)):
        path = write(tmp_path / "b.mkv", [*[lit] * 4, *[share * lit] * 4])
        seen = seen_of(path)
        assert seen.cuts == cuts
        assert [sample.scene for sample in seen.samples] == [0] * 4 + [cuts] * 4


def test_a_fade_marks_its_frames_and_a_cut_does_not(tmp_path):
    lit = drawn(0, size=SMALL)
    fade = [lit * (1 - number / 12) for number in range(1, 9)]
    seen = seen_of(write(tmp_path / "a.mkv", [*[lit] * 6, *fade]))
    fades = [sample.fades for sample in seen.samples]
    assert fades[:5] == [False] * 5
    assert fades[8:] == [True] * 6
    cut = seen_of(write(tmp_path / "b.mkv", [*[lit] * 5, *[lit / 2] * 5]))
    assert not any(sample.fades for sample in cut.samples)


@pytest.mark.parametrize(
    ("above", "below", "found"),
    [(24, 32, True), (24, 12, False), (6, 6, False), (8, 8, True), (24, 0, False)],
)
def test_bars_are_alike_and_no_thin_edges(tmp_path, above, below, found):
    graph = f"pad=iw:ih+{above + below}:0:{above}"
    seen = seen_of(write(tmp_path / "a.mkv", [drawn(0), drawn(1)], graph=graph))
    assert seen.picture == (Area(width=160, height=120, x=0, y=above) if found else None)


def test_what_is_measured_lies_between_the_bars_on_the_grid_of_blocks(tmp_path):
    """A bar's edge is sharp, whatever the picture is; and blocks count from the frame's corner."""
    soft = seen_of(
        write(tmp_path / "a.mkv", [drawn(0)], graph="gblur=sigma=2:steps=6,pad=iw:ih+40:0:20")
    )
    assert findings(soft).soft == 2
    blocks = np.random.default_rng(2).normal(0, 13, (20, 20)).repeat(8, 0).repeat(8, 1)
    picture = noisy([drawn(0, size=(160, 160))], 3)[0] + blocks[..., None]
    picture[:20], picture[-20:] = 0, 0
    assert findings(seen_of(write(tmp_path / "b.mkv", [picture]))).compressed == 2
    assert middle(frame_format(1920, 1080)) == (slice(264, 808), slice(480, 1440))


def test_one_frame_in_colour_is_enough(tmp_path):
    grey = drawn(0).mean(2, keepdims=True).repeat(3, 2)
    path = write(tmp_path / "a.mkv", [grey, grey, drawn(1)])
    assert not findings(seen_of(path)).grey
    assert findings(seen_of(write(path, [grey, grey]))).grey


def test_where_a_half_of_a_clip_is_lost_the_other_is_looked_at(tmp_path):
    """The container promises frames there of which none can be decoded."""
    pictures = [drawn(number, size=SMALL) for number in range(12)] * 25
    path = write(tmp_path / "a.mp4", pictures, codec="mpeg4")
    content = path.read_bytes()
    end = content.index(b"moov") - 4
    path.write_bytes(content[: end // 2] + bytes(end - end // 2) + content[end:])
    seen = seen_of(path)
    assert seen.total == 300
    assert 100 < seen.frames < 200
