import errno
import hashlib
import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest

from tests.clips import make_clip, read
from tests.nearest import AtFrame, left_behind, settings
from tests.write.carry.test_copy import make_text_clip
from vs_gendrpix import process
from vs_gendrpix.cli.video import main
from vs_gendrpix.errors import OutputError
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.settings import StreamSettings

pytestmark = pytest.mark.usefixtures("nearest_engine")


def loaded(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_it_says_all_that_was_done(tmp_path):
    make_text_clip(tmp_path / "in.mkv", "subrip", [(0, 100, "Guten Tag"), (200, 300, "zwei")])
    chosen = settings(2, report=tmp_path / "run.json", start=Fraction(4, 100))
    process(tmp_path / "in.mkv", tmp_path / "out.mp4", chosen)
    found = loaded(tmp_path / "run.json")
    assert found["exit_code"] == 0
    assert found["input"]["path"] == str(tmp_path / "in.mkv")
    assert found["input"]["bytes"] == (tmp_path / "in.mkv").stat().st_size
    assert found["output"]["bytes"] == (tmp_path / "out.mp4").stat().st_size
    assert (found["input"]["format"]["width"], found["output"]["format"]["width"]) == (64, 128)
    assert found["output"]["format"]["layout"]["bits"] == 10
    assert found["output"]["frames"] == 11
    assert found["settings"]["read"]["start"] == "1/25"
    assert found["settings"]["write"]["encode"]["preset"] == "ultrafast"
    assert found["model"]["name"] == "tiny"
    assert found["model"]["sha256"] == hashlib.sha256(BUILT_IN["tiny"].read_bytes()).hexdigest()
    assert found["frames"] == {"decoded": 11, "encoded": 11}
    assert [(done["kind"], done["action"], done["to"]) for done in found["streams"]] == [
        ("video", "restored", ""),
        ("subtitle", "converted", "mov_text"),
    ]
    assert found["streams"][1]["packets"] == 2  # the first one is still on when the range begins
    assert found["warnings"] == ["converted: subtitle stream 1 (srt, deu) to mov_text"]
    assert found["damage"]["errors"] == 0
    assert found["timing"]["seconds"] > 0
    assert {"vs-gendrpix", "torch", "av", "python", "libavcodec"} <= set(found["versions"])


def test_a_damaged_input_has_its_places(tmp_path):
    make_clip(tmp_path / "in.mp4", options={"g": "4"})
    data = bytearray((tmp_path / "in.mp4").read_bytes())
    begin = data.index(b"mdat")
    for place in range(begin + 900, begin + 960):
        data[place] ^= 0xFF
    (tmp_path / "in.mp4").write_bytes(data)
    arguments = [str(tmp_path / "in.mp4"), str(tmp_path / "out.mkv"), "-s", "1"]
    arguments += ["--preset", "ultrafast", "--report", str(tmp_path / "run.json"), "-q"]
    assert main([*arguments, "--progress", "none"]) == 1
    found = loaded(tmp_path / "run.json")
    assert found["exit_code"] == 1
    assert found["damage"]["errors"] + found["damage"]["corrupt_frames"] > 0
    assert all(0 <= place < 0.48 for place in found["damage"]["places"])
    assert found["damage"]["places"]
    assert any("damaged" in warning for warning in found["warnings"])


def test_it_is_refused_before_the_work_where_it_cannot_be_written(tmp_path):
    make_clip(tmp_path / "in.mp4")
    (tmp_path / "there.json").write_text("mine")
    for name, said in (
        ("there.json", "exists"),
        ("in.mp4", "is the input"),
        ("out.mp4", "is the output"),
        ("in.mp4/run.json", "cannot make the folder"),
    ):
        with pytest.raises(OutputError, match=said):
            process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(report=tmp_path / name))
    assert left_behind(tmp_path) == ["there.json"]
    assert (tmp_path / "there.json").read_text() == "mine"


@pytest.mark.parametrize("how", ["taken", "no folder", "full"])
def test_a_report_that_cannot_be_written_leaves_the_output(tmp_path, monkeypatch, how):
    folder = tmp_path / "reports"
    folder.mkdir()
    path = folder / "run.json"

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    def spoil():
        if how == "taken":
            path.write_text("other")
        elif how == "no folder":
            shutil.rmtree(folder)
        else:
            monkeypatch.setattr("pathlib.Path.write_text", full)

    make_clip(tmp_path / "in.mp4")
    chosen = settings(report=path)
    report = process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen, progress=AtFrame(3, spoil))
    assert report.exit_code == 1
    assert "run.json" in report.warnings[-1]
    assert len(read(tmp_path / "out.mp4").times) == 12
    if how == "taken":
        assert path.read_text() == "other"
        assert loaded(folder / "run-2.json")["frames"]["encoded"] == 12


def test_a_failed_run_leaves_none(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4")

    def fail(self):
        del self
        raise OutputError("the muxer failed")

    monkeypatch.setattr("vs_gendrpix.write.writer.FileWriter.finish", fail)
    with pytest.raises(OutputError):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(report=tmp_path / "run.json"))
    assert left_behind(tmp_path) == []


def test_what_was_left_out_is_named(tmp_path):
    make_clip(tmp_path / "in.mp4", audio="aac")
    report = tmp_path / "run.json"
    chosen = settings(report=report, streams=StreamSettings(audio=False))
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", chosen)
    assert loaded(report)["streams"][1] == {
        "index": 1,
        "kind": "audio",
        "codec": "aac",
        "language": "eng",
        "action": "left out",
        "output": None,
        "to": "",
        "packets": None,
    }


def test_every_field_is_named_in_the_documents(tmp_path):
    make_clip(tmp_path / "in.mp4")
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(report=tmp_path / "run.json"))
    page = (Path(__file__).parents[2] / "docs" / "report.md").read_text(encoding="utf-8")
    for name in loaded(tmp_path / "run.json"):
        assert f"`{name}`" in page, name
