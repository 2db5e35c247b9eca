"""What is decided of each stream before anything is written."""

import av

from tests.clips import make_frames
from tests.write.carry.test_copy import make_rich_clip, make_sound, make_text_clip
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.settings import StreamSettings
from vs_gendrpix.settings.values import from_json, to_json
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.carry.plan import CarryPlan, carry_nothing, plan_carry


def plan(path, container, *, keep=None):
    with av.open(str(path)) as source:
        return plan_carry(
            source,
            source.streams.best("video"),
            path=path,
            container=container,
            keep=keep or StreamSettings(),
        )


def fates(planned):
    return [(done.kind, done.action, done.output, done.to) for done in planned.streams]


def said(planned):
    notes = Notes()
    planned.tell(notes)
    return notes.warnings


def test_each_container_gets_what_it_can_hold(tmp_path):
    make_rich_clip(tmp_path / "in.mkv")
    path = tmp_path / "in.mkv"
    assert sorted(fates(plan(path, "matroska"))) == [
        ("attachment", "attached", None, ""),
        ("audio", "copied", 1, ""),
        ("cover", "attached", None, ""),
        ("video", "restored", 0, ""),
    ]
    assert sorted(fates(plan(path, "mp4"))) == [
        ("attachment", "dropped", None, ""),
        ("audio", "copied", 1, ""),
        ("cover", "copied", 2, ""),
        ("video", "restored", 0, ""),
    ]
    assert said(plan(path, "mp4")) == ["not carried over: attachment stream 2"]
    kept = StreamSettings(audio=False, attachments=False)
    assert {fate[1] for fate in fates(plan(path, "mp4", keep=kept))} == {"restored", "left out"}
    assert {fate[1] for fate in fates(plan(path, "yuv4mpegpipe"))} == {"restored", "dropped"}


def test_what_a_container_cannot_hold_is_converted(tmp_path):
    make_sound(tmp_path / "in.avi", "pcm_u8")
    assert fates(plan(tmp_path / "in.avi", "mp4"))[1] == ("audio", "converted", 1, "alac")
    make_text_clip(tmp_path / "in.mkv", "subrip", [(0, 100, "Guten Tag")])
    assert fates(plan(tmp_path / "in.mkv", "mov"))[1] == ("subtitle", "converted", 1, "mov_text")
    planned = plan(tmp_path / "in.mkv", "mov")
    assert said(planned) == ["converted: subtitle stream 1 (srt, deu) to mov_text"]
    assert from_json(to_json(planned), CarryPlan, "the plan") == planned


def test_pictures_hold_nothing_beside_themselves(tmp_path):
    make_rich_clip(tmp_path / "in.mkv")
    with av.open(str(tmp_path / "in.mkv")) as source:
        video = source.streams.best("video")
        planned = carry_nothing(source, video, StreamSettings(attachments=False))
    assert sorted(fates(planned)) == [
        ("attachment", "left out", None, ""),
        ("audio", "dropped", None, ""),
        ("cover", "left out", None, ""),
        ("video", "restored", None, ""),
    ]
    assert said(planned) == ["not carried over: audio stream 1 (flac, eng)"]


def test_sound_that_is_announced_and_never_comes_is_left_out_by_name(tmp_path):
    with av.open(str(tmp_path / "in.ts"), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        output.add_stream("aac", rate=44100)
        for frame in make_frames():
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
    for container in ("mp4", "mov", "matroska"):
        assert fates(plan(tmp_path / "in.ts", container))[1] == ("audio", "dropped", None, "")


def test_looking_does_not_move_the_input(tmp_path):
    make_rich_clip(tmp_path / "in.mkv")
    with av.open(str(tmp_path / "in.mkv")) as source:
        video = source.streams.best("video")
        plan_carry(
            source,
            video,
            path=tmp_path / "in.mkv",
            container="matroska",
            keep=StreamSettings(),
        )
        assert len(list(source.decode(video))) == 12


def test_an_empty_plan_opens_nothing_and_carries_nothing(tmp_path):
    notes = Notes()
    with (
        SideStreams(tmp_path / "missing.mkv", CarryPlan(), notes) as carried,
        av.open(str(tmp_path / "out.mkv"), "w") as output,
    ):
        video = output.add_stream("ffv1", rate=25)
        video.width, video.height = 64, 48
        carried.attach(output, video)
        carried.copy_until(None)
        assert len(output.streams) == 1
        assert carried.copied == {}
    assert notes.warnings == []
