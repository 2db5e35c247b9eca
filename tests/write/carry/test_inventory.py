"""Nothing beside the picture is lost without a word."""

from fractions import Fraction

import av
import pytest
from av.stream import Disposition

from tests.clips import make_clip
from tests.nearest import settings
from tests.write.carry.test_copy import make_rich_clip
from vs_gendrpix import process

pytestmark = pytest.mark.usefixtures("nearest_engine")

MS = Fraction(1, 1000)


def tags_of(path):
    with av.open(str(path)) as clip:
        return {key.lower(): value for key, value in clip.metadata.items()}


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov"])
def test_tags_that_only_a_list_of_keys_holds_are_kept(tmp_path, suffix):
    own = {"title": "T", "director": "Jane", "com.apple.quicktime.make": "Apple"}

    def prepare(output, _):
        output.metadata.update(own)

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    report = process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ()
    assert own.items() <= tags_of(tmp_path / f"out.{suffix}").items()


def test_a_time_of_creation_stays_one_through_lists_of_keys(tmp_path):
    def prepare(output, _):
        output.metadata.update({"creation_time": "2026-11-29T10:00:00.000000Z", "director": "Jane"})

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    process(tmp_path / "in.mkv", tmp_path / "mid.mov", settings())
    report = process(tmp_path / "mid.mov", tmp_path / "out.mkv", settings())
    assert report.warnings == ()
    assert tags_of(tmp_path / "out.mkv")["creation_time"] == "2026-11-29T10:00:00.000000Z"


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_tags_of_a_stream_that_mp4_has_no_place_for_are_named(tmp_path, suffix):
    def prepare(_, stream):
        stream.metadata["scanner"] = "Arri"

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    report = process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ("not carried over: the tag scanner of video stream 0 (h264)",)
    assert report.exit_code == 0


@pytest.mark.parametrize(("made", "suffix"), [("mp4", "mkv"), ("mkv", "mp4"), ("mov", "mp4")])
def test_the_name_of_a_track_is_its_name_in_any_container(tmp_path, made, suffix):
    def prepare(output, stream):
        stream.metadata["title"] = "Main"
        output.streams[1].metadata["title"] = "Commentary"

    make_clip(tmp_path / f"in.{made}", audio="aac", prepare=prepare)
    report = process(tmp_path / f"in.{made}", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ()
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        key = "title" if suffix == "mkv" else "name"
        assert [stream.metadata[key] for stream in clip.streams] == ["Main", "Commentary"]
        assert "HANDLER_NAME" not in clip.streams[0].metadata


def test_what_a_stream_is_for_is_named_where_it_is_lost(tmp_path):
    def prepare(output, _):
        output.streams[1].disposition = Disposition.comment

    make_clip(tmp_path / "in.mkv", audio="aac", prepare=prepare)
    assert process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings()).warnings == ()
    report = process(tmp_path / "in.mkv", tmp_path / "out.mov", settings())
    assert report.warnings == ("not carried over: the mark comment of audio stream 1 (aac, eng)",)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_chapter_without_a_length_is_kept(tmp_path, suffix):
    def prepare(output, _):
        times = ((0, 0, "mark"), (0, 300, "one"))
        output.set_chapters(
            [
                {"id": n, "start": begin, "end": end, "time_base": MS, "metadata": {"title": title}}
                for n, (begin, end, title) in enumerate(times, 1)
            ]
        )

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    report = process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ()
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        assert [part["metadata"]["title"] for part in clip.chapters()] == ["mark", "one"]


def test_covers_keep_the_names_of_their_files(tmp_path, shared):
    path = shared / "video" / "reports" / "cover_names.mkv"
    report = process(path, tmp_path / "out.mkv", settings())
    assert report.warnings == ()
    with av.open(str(path)) as was, av.open(str(tmp_path / "out.mkv")) as now:
        names = [
            sorted(stream.metadata.get("filename", "") for stream in clip.streams)
            for clip in (was, now)
        ]
    assert names[0] == names[1]
    report = process(path, tmp_path / "out.mp4", settings())
    assert "not carried over: the name small_cover.png of the attached files" in report.warnings


def test_a_cover_that_quicktime_cannot_hold_is_named_before_the_work(tmp_path):
    make_rich_clip(tmp_path / "in.mkv")
    report = process(tmp_path / "in.mkv", tmp_path / "out.mov", settings())
    assert report.exit_code == 0
    assert "not carried over: attachment stream 2, cover stream 3 (mjpeg)" in report.warnings


def test_a_single_view_is_no_stereoscopy(tmp_path):
    def prepare(_, stream):
        stream.metadata["stereo_mode"] = "mono"

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    assert process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings()).warnings == ()
