import io
import json
from dataclasses import asdict
from pathlib import Path

import pytest

from vs_gendrpix.errors.failure import Failure
from vs_gendrpix.job.batch.clips import Target
from vs_gendrpix.job.batch.progress import BatchBar, BatchJson, BatchPlain, Turn
from vs_gendrpix.job.batch.summary import Summary

CLIP = Target(folder=Path("out")).clip(Path("in/a.mp4"), Path("a.mp4"), Path("a"))
OTHER = Target(folder=Path("out")).clip(Path("in/b\n.mp4"), Path("b\n.mp4"), Path("b"))
FAILURE = Failure("MediaError", "it is empty", 3)


def events(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_every_event_says_which_clip():
    stream = io.StringIO()
    progress = BatchJson(stream)
    progress.passed_over(Turn(CLIP, 1, 3))
    progress.begin(Turn(OTHER, 2, 3))
    progress.warning("it is interlaced")
    progress.failed(Turn(CLIP, 3, 3), FAILURE)
    progress.ended(Summary(finished=1, passed_over=1, troubled=[(CLIP, FAILURE)], seconds=1.5))
    of_first, of_other = ({"input": str(clip.source)} for clip in (CLIP, OTHER))
    assert events(stream) == [
        {"event": "passed_over", "clip": 1, **of_first, "output": "out/a.mkv"},
        {"event": "clip", "clip": 2, **of_other, "clips": 3, "output": "out/b.mkv"},
        {"event": "warning", "clip": 2, **of_other, "message": "it is interlaced"},
        {"event": "error", "clip": 3, **of_first, **asdict(FAILURE)},
        {"event": "summary", "finished": 1, "passed_over": 1, "failed": 1, "left": 0}
        | {"seconds": 1.5, "exit_code": 3},
    ]


@pytest.mark.parametrize(("total", "said"), [(3, "clip 2 of 3"), (0, "clip 2")])
def test_plain_lines_name_the_clip(capsys, total, said):
    progress = BatchPlain("gendrpix video")
    progress.begin(Turn(OTHER, 2, total))
    progress.failed(Turn(CLIP, 3, total), FAILURE)
    assert capsys.readouterr().err.splitlines() == [
        f"gendrpix video: {said}: in/b .mp4",
        "gendrpix video: in/a.mp4: exit code 3: it is empty",
    ]


def test_the_bar_over_all_counts_every_clip(capsys):
    progress = BatchBar("gendrpix-video")
    progress.passed_over(Turn(CLIP, 1, 3))
    progress.begin(Turn(OTHER, 2, 3))
    progress.failed(Turn(OTHER, 2, 3), FAILURE)
    progress.begin(Turn(CLIP, 3, 3))
    progress.done(None)
    progress.close()
    said = capsys.readouterr().err
    assert "3/3" in said
    assert "gendrpix-video: in/b .mp4: exit code 3: it is empty\n" in said


def test_the_exit_code_is_the_worst_of_all():
    failures = [(CLIP, Failure("", "", code)) for code in (1, 7, 3)]
    assert Summary(troubled=failures).exit_code == 7
    assert Summary(troubled=failures).failed == 2
    assert Summary(troubled=failures, cancelled=130).exit_code == 130


def test_a_summary_of_nothing_is_well():
    assert Summary().exit_code == 0
    assert Summary(seconds=1).lines() == ["0 clips finished; 1.0 s"]
