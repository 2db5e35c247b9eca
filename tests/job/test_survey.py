"""Crops and previews, from file to file."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.choices import process_settings
from tests.clips import TICK, make_clip, make_frames, read
from tests.nearest import LOSSLESS, left_behind, settings
from vs_gendrpix import process
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.area import Area, cropped, with_bars
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.prepare import graphs_before
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.read.look.fields import PROGRESSIVE, UNSEEN, Scan
from vs_gendrpix.read.source import open_source
from vs_gendrpix.settings import PrepareSettings, RestoreSettings

PICTURE = Area(width=64, height=32, x=0, y=8)
LONG = tuple(512 * number for number in range(40))


pytestmark = pytest.mark.usefixtures("nearest_engine")


def make_letterboxed(path, times=LONG[:20], options=None):
    """A clip whose picture fills two thirds of its height; returns the picture alone."""
    frames = make_frames(size=(PICTURE.width, PICTURE.height), times=[0] * 12)
    frames = [frames[number % 12] for number in range(len(times))]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"crf": "0", **(options or {})})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = stream.time_base = TICK
        (whole,) = make_frames(size=(64, 48), times=(0,))
        for pts, frame in zip(times, frames, strict=True):
            picture = to_picture(with_bars(frame, whole.format, PICTURE), "yuv420p")
            picture.pts = pts
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
    return frames


def pictures(path):
    with open_source(path) as source:
        return [
            tuple(plane.copy() for plane in frame.planes) for frame in source
        ], source.info.format


@pytest.mark.parametrize("crop", ["auto", (64, 32, 0, 8)])
@pytest.mark.parametrize("start", [None, Fraction(2, 10)])
def test_only_the_picture_between_the_bars_is_restored(tmp_path, crop, start):
    made = make_letterboxed(tmp_path / "in.mp4")
    report = tmp_path / "run.json"
    chosen = settings(2, LOSSLESS, crop=crop, start=start, report=report)
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    found, form = pictures(tmp_path / "out.mp4")
    assert (form.width, form.height) == (128, 64)
    made = made if start is None else made[5:]
    for (luma, *_), frame in zip(found, made, strict=True):
        np.testing.assert_array_equal(luma[::2, ::2], frame.planes[0])
    assert json.loads(report.read_text())["settings"]["prepare"]["crop"] == [64, 32, 0, 8]


def test_the_bars_can_be_put_back(tmp_path):
    made = make_letterboxed(tmp_path / "in.mp4")
    chosen = process_settings(
        restore=RestoreSettings(height=72), encode=LOSSLESS, crop="auto", keep_bars=True
    )
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    found, form = pictures(tmp_path / "out.mp4")
    assert (form.width, form.height) == (96, 72)
    place = PICTURE.scaled(make_frames(size=(64, 48), times=(0,))[0].format, form)
    assert (place.y, place.height) == (12, 48)
    for luma, blue, red in found:
        assert set(np.unique(luma[:12])) == set(np.unique(luma[60:])) == {16}
        assert set(np.unique(blue[:6])) == set(np.unique(red[:6])) == {128}
    assert abs(float(found[3][0][12:60].mean()) - float(made[3].planes[0].mean())) < 1


def test_a_clip_without_bars_stays_whole(tmp_path):
    make_clip(tmp_path / "in.mp4")
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(1, LOSSLESS, crop="auto"))
    assert read(tmp_path / "out.mp4").size == (64, 48)
    (whole,) = make_frames(times=(0,))
    assert cropped(whole, Area.whole(whole.format)) is whole


@pytest.mark.parametrize(
    ("found", "chosen", "decided"),
    [
        (Scan(kind="interlaced", order="tff", flagged=True), {}, "--deinterlace bwdif is done"),
        (Scan(kind="telecined", order="tff", flagged=False), {}, "--deinterlace ivtc is done"),
        (UNSEEN, {"pre_filter": "vhs"}, "--pre-filter vhs deinterlaces it"),
        (PROGRESSIVE, {}, ""),
        (Scan(kind="interlaced", order="tff", flagged=True), {"deinterlace": "bwdif"}, ""),
    ],
)
def test_what_is_done_with_fields_unasked_is_told(found, chosen, decided):
    notes = Notes()
    graphs_before(PrepareSettings(**chosen), found, notes)
    assert [line for line in notes.decided if decided in line] == notes.decided
    assert bool(notes.decided) == bool(decided)


def test_a_crop_beyond_the_picture_is_refused_and_nothing_is_left(tmp_path):
    make_clip(tmp_path / "in.mp4")
    with pytest.raises(SettingsError, match="crop 65:48:0:0 lies beyond"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(crop=(65, 48, 0, 0)))
    assert left_behind(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "seconds", "kept"),
    [(None, "0.16", range(4, 8)), ("0.08", "0.16", range(2, 6)), (None, "60", range(12))],
)
def test_a_preview_is_the_middle_or_from_the_start_on(tmp_path, start, seconds, kept):
    make_clip(tmp_path / "in.mp4", audio="aac", options={"g": "4"})
    start = None if start is None else Fraction(start)
    chosen = settings(1, LOSSLESS, preview=Fraction(seconds), start=start)
    report = process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    was, now = read(tmp_path / "in.mp4").means, read(tmp_path / "out.mp4").means
    assert now == pytest.approx([was[number] for number in kept], abs=2)  # the next one has 12 more
    assert report.frames_encoded == len(kept)
    assert report.warnings == ()


def test_what_contradicts_itself_is_refused():
    with pytest.raises(SettingsError, match="not both"):
        settings(preview=Fraction(1), end=Fraction(2))
    with pytest.raises(SettingsError, match="empty"):
        settings(preview=Fraction(0))
    with pytest.raises(SettingsError, match="--crop"):
        settings(keep_bars=True)


def test_a_preview_of_a_clip_whose_sound_begins_first_shows_the_picture(tmp_path):
    """The picture lasts for half a second from the first on, where the sound has been on."""
    times = tuple(12_800 + 512 * number for number in range(12))
    make_clip(tmp_path / "in.mkv", times=times, audio="flac")
    report = process(
        tmp_path / "in.mkv", tmp_path / "out.mkv", settings(1, LOSSLESS, preview=Fraction(1, 5))
    )
    assert 4 <= report.frames_encoded <= 6
