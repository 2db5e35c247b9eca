import io
import json
from array import array
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.strategies import frame_format
from vs_gendrpix.frame.area import Area
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.plan import ModelFile, Plan
from vs_gendrpix.job.progress import EVENT_INTERVAL, Bar, JsonLines, Plain
from vs_gendrpix.job.report import Report, Start
from vs_gendrpix.read.look.fields import PROGRESSIVE
from vs_gendrpix.settings import ProcessSettings
from vs_gendrpix.write.carry.plan import CarryPlan

CLIP = ClipInfo(
    format=frame_format(32, 24, subsampling=(1, 1)),
    time_base=Fraction(1, 25),
    average_rate=Fraction(25),
    frames=0,
    sample_aspect_ratio=Fraction(1),
    rotation=0,
)


def started(frames):
    result = replace(CLIP, frames=frames, format=replace(CLIP.format, width=128, height=96))
    plan = Plan(
        source=Path("in.mp4"),
        output=Path("out.mp4"),
        settings=ProcessSettings(),
        still=None,
        clip=CLIP,
        before=(),
        fields=PROGRESSIVE,
        filtered=CLIP,
        area=Area.whole(CLIP.format),
        framed=result,
        place=Area.whole(result.format),
        after=(),
        result=result,
        carried=CarryPlan(),
        model=ModelFile(name="tiny", path=Path("tiny.safetensors"), sha256=""),
        provenance="",
        warnings=(),
        informed=(),
        decided=(),
    )
    return Start(plan=plan, device="cpu", dtype="float32")


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    made = Clock()
    monkeypatch.setattr("vs_gendrpix.job.rate.time", made)
    return made


@pytest.mark.parametrize(("seconds", "said"), [(0.25, "4.0 frames/s"), (4, "4.0 s/frame")])
def test_slow_runs_are_told_in_seconds_a_frame(clock, capsys, seconds, said):
    plain = Plain()
    plain.start(started(frames=100))
    for count in range(1, 101):
        clock.now += seconds
        plain.frame(count, "encode")
    lines = capsys.readouterr().err.splitlines()
    assert "100 frames to 128x96, model tiny in float32 on cpu" in lines[0]
    assert said in lines[1]
    assert f"{99 * seconds:.0f} s left" in lines[1]
    assert lines[-1].endswith(f"frame 100/100, {said}, encode-bound, 0 s left")
    assert len(lines) <= 3 + 100 * seconds / 10


def test_on_a_terminal_the_input_and_what_is_done_are_lines(capsys):
    shown = Bar("gendrpix-video")
    shown.reading(Path("in.mp4"))
    shown.reading(Path("-"))
    shown.start(started(frames=100))
    shown.close()
    assert capsys.readouterr().err.splitlines()[:3] == [
        "gendrpix-video: reading in.mp4",
        "gendrpix-video: reading the standard input",
        "gendrpix-video: 100 frames to 128x96, model tiny in float32 on cpu",
    ]


def test_an_unknown_length_has_no_end_in_sight(clock, capsys):
    plain = Plain()
    plain.start(started(frames=0))
    clock.now += 1
    plain.frame(1, "compute")
    assert capsys.readouterr().err.splitlines()[-1].endswith("frame 1, 1.0 frames/s, compute-bound")


def test_events_come_at_intervals_but_the_last_frame_is_never_left_out(clock):
    stream = io.StringIO()
    events = JsonLines(stream)
    events.start(started(frames=100))
    for count in range(1, 101):
        clock.now += EVENT_INTERVAL / 10
        events.frame(count, "decode")
    found = [json.loads(line) for line in stream.getvalue().splitlines()]
    frames = [event["frame"] for event in found if event["event"] == "progress"]
    assert frames[0] == 1
    assert frames[-1] == 100
    assert len(frames) <= 12
    assert found[-1] == {
        "event": "progress",
        "frame": 100,
        "total": 100,
        "fps": 50.0,
        "eta_s": 0.0,
        "size": None,
        "bound": "decode",
    }


def test_the_size_is_estimated_after_some_seconds(clock, capsys):
    """Of 100 frames 38 are encoded when 40 have been given to the encoder."""
    stream = io.StringIO()
    shown = [Plain(), Bar(), JsonLines(stream)]
    for each in shown:
        each.start(started(frames=100))
    for seconds, count, size, frames in ((1, 4, 999, 2), (10, 40, 38_000_000, 38)):
        clock.now += seconds
        for each in shown:
            each.written(size, frames)
            each.frame(count, "encode")
    shown[1].close()
    assert [json.loads(line).get("size") for line in stream.getvalue().splitlines()] == [
        *(None, None),
        100_000_000,
    ]
    said = capsys.readouterr().err
    assert said.count("encode-bound, about 100MB") == 2
    assert "frame 40/100, 3.6 frames/s, encode-bound, about 100MB, 16 s left" in said


def test_a_clip_longer_than_it_says_does_not_break_the_bar(capsys):
    bar = Bar()
    bar.start(started(frames=2))
    for count in range(1, 6):
        bar.frame(count, "compute")
    bar.close()
    said = capsys.readouterr().err
    assert "5/5" in said
    assert "compute-bound" in said


def test_no_event_counts_beyond_its_total(clock):
    stream = io.StringIO()
    events = JsonLines(stream)
    events.start(started(frames=2))
    for count in range(1, 6):
        clock.now += 1
        events.frame(count, "compute")
    found = [json.loads(line) for line in stream.getvalue().splitlines()][1:]
    assert [event["total"] for event in found] == [2, 2, 3, 4, 5]


def test_damage_decides_the_exit_code():
    clean, damaged = Notes(), Notes()
    damaged.error("a packet is broken")
    damaged.error("a packet is broken")
    whole = Report(
        start=started(1),
        frames_decoded=1,
        frames_encoded=1,
        times=array("q", [0]),
        durations=array("q", [1]),
        streams=(),
        copied={},
        tile=None,
        notes=clean,
        bound="compute",
        seconds=1.0,
    )
    assert whole.exit_code == 0
    assert not clean.damaged
    assert damaged.damage_in_words() == (
        "the input is damaged: 2 decoding or reading errors (first: a packet is broken)"
    )
    assert replace(whole, notes=damaged).exit_code == 1


def test_every_line_begins_with_the_programs_name(clock, capsys):
    plain = Plain("gendrpix video")
    plain.start(started(frames=2))
    clock.now += 1
    plain.frame(1, "decode")
    assert {line.split(":")[0] for line in capsys.readouterr().err.splitlines()} == {
        "gendrpix video"
    }
