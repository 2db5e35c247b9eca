import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.choices import process_settings
from vs_gendrpix.errors import OutputError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.job.batch.clips import Target, find_clips
from vs_gendrpix.job.batch.record import NAME, Record
from vs_gendrpix.settings import EncodeSettings, RestoreSettings


def with_crf(crf, **more):
    return process_settings(encode=EncodeSettings(crf=float(crf)), **more)


SETTINGS = with_crf(20)


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A clip whose output is finished, and recorded."""
    monkeypatch.chdir(tmp_path)
    Path("a.mp4").write_text("a clip")
    Path("out").mkdir()
    (made,) = find_clips([Path("a.mp4")], Target(folder=Path("out")))
    record = opened()
    assert not record.holds(made)
    finished = record.finished(made)
    made.output.write_text("restored")
    record.add(finished)
    return made


def opened(settings=SETTINGS, notes=None):
    return Record(Path("out"), settings, notes or Notes())


def test_a_finished_output_is_known_again(clip):
    assert opened().holds(clip)
    clip.output.unlink()
    assert not opened().holds(clip)


def test_a_folder_of_pictures_is_known_again(clip):
    pictures = replace(clip, output=Path("out/a/%06d.png"))
    assert not opened().holds(pictures)
    Path("out/a").mkdir()
    record = opened()
    assert record.holds(pictures)
    record.add(record.finished(pictures))
    with pytest.raises(OutputError, match="out/a was made with other settings"):
        opened(with_crf(21)).holds(pictures)


def test_other_settings_are_said(clip):
    with pytest.raises(OutputError, match=r"out/a.mkv .* \(crf was 20.0, and is 21.0\).*-y"):
        opened(with_crf(21)).holds(clip)
    with pytest.raises(OutputError, match="height was left open, and is 720"):
        opened(with_crf(20, restore=RestoreSettings(height=720))).holds(clip)


def test_settings_that_change_no_picture_may_differ(clip):
    elsewhere = RestoreSettings(device="cpu")
    assert opened(with_crf(20, restore=elsewhere, overwrite=True)).holds(clip)


def test_another_input_is_said(clip):
    with pytest.raises(OutputError, match=r"made from a\.mp4, not from a\.mov"):
        opened().holds(replace(clip, name=Path("a.mov")))


def test_an_input_that_has_changed_is_said(clip):
    os.utime("a.mp4", (1, 1))
    with pytest.raises(OutputError, match=r"another state of a\.mp4"):
        opened().holds(clip)


def test_an_output_without_a_line_is_finished(clip):
    Path("out", NAME).unlink()
    assert opened(with_crf(21)).holds(clip)


@pytest.mark.parametrize("damage", ["cut", "other version", "noise"])
def test_a_damaged_line_is_passed_over(clip, damage):
    path = Path("out", NAME)
    line = path.read_text()
    spoilt = {
        "cut": line[: len(line) // 2],
        "other version": line.replace('"crf"', '"rate_factor"'),
        "noise": "[1]\n",
    }[damage]
    path.write_text(spoilt + "\n" + line)
    with pytest.raises(OutputError, match="other settings"):
        opened(with_crf(21)).holds(clip)
    path.write_text(spoilt)
    assert opened(with_crf(21)).holds(clip)
    path.write_bytes(b"\xff\xfe")
    assert opened(with_crf(21)).holds(clip)


def test_the_last_line_of_an_output_counts(clip):
    record = opened(with_crf(21))
    record.add(record.finished(clip))
    assert record.holds(clip)
    assert opened(with_crf(21)).holds(clip)


def test_a_record_that_cannot_be_written_is_a_warning(clip):
    Path("out", NAME).unlink()
    Path("out", NAME).mkdir()
    notes = Notes()
    record = opened(notes=notes)
    record.add(record.finished(clip))
    assert "a later run will not know" in notes.warnings[0]
