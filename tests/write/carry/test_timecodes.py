"""The timecode with which an output begins: the user's, the input's, that of a scan's numbers."""

from fractions import Fraction

import av
import pytest

from tests.choices import process_settings
from tests.clips import make_clip
from tests.nearest import LOSSLESS
from tests.write.test_pictures import make_pictures, names
from vs_gendrpix import EncodeSettings, ReadSettings, RestoreSettings, process
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.frame.scan_header import ScanHeader, read_scan_header, with_scan_header
from vs_gendrpix.read.clip import Clip
from vs_gendrpix.settings.profiles import PROFILES
from vs_gendrpix.write.carry.plan import CarryPlan
from vs_gendrpix.write.carry.timecodes import input_timecode, wanted_timecode

SAME = RestoreSettings(scale=Fraction(1))
FORMATS = {"dpx": "gbrp10le", "exr": "gbrpf32le"}


def make_scan(folder, kind, timecodes, *, rate=24, first=7):
    """Pictures with these timecodes in their headers; empty is none."""
    make_pictures(folder / f"%06d.{kind}", kind, FORMATS[kind], first=first, count=len(timecodes))
    for path, timecode in zip(sorted(folder.iterdir()), timecodes, strict=True):
        header = ScanHeader(timecode=timecode, rate=Fraction(rate))
        path.write_bytes(with_scan_header(path.read_bytes(), header))


def timecodes(folder):
    return [read_scan_header(folder / name).timecode for name in names(folder)]


def timecode_of(path):
    with av.open(str(path)) as clip:
        tags = clip.streams.video[0].metadata
    return next((tags[key] for key in tags if key.lower() == "timecode"), "")


def begun(source, suffix=".mov", *, rate=None, start=None, chosen=None):
    """The timecode of an output, the input's if it is lost, and what was said."""
    notes = Notes()
    with Clip(source, chosen or ReadSettings(), notes) as clip:
        rate = rate or clip.rate
        return *input_timecode(clip, suffix, rate=rate, start=start, notes=notes), notes.warnings


@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize("kind", FORMATS)
def test_a_scan_goes_to_a_mov_and_back_frame_by_frame(tmp_path, kind):
    wanted = [f"09:59:59;{number:02}" for number in (28, 29)] + ["10:00:00;00", "10:00:00;01"]
    ntsc = Fraction(30000, 1001)
    make_scan(tmp_path / "in", kind, wanted, rate=ntsc)
    read = ReadSettings(rate=ntsc if kind == "exr" else None)  # libav has written 24 into the EXR
    chosen = process_settings(read=read, restore=SAME, encode=PROFILES["prores422hq"].encode)
    assert process(tmp_path / "in", tmp_path / "film.mov", chosen).warnings == ()
    assert timecode_of(tmp_path / "film.mov") == wanted[0]
    back = process_settings(restore=SAME)
    assert process(tmp_path / "film.mov", tmp_path / f"b/%06d.{kind}", back).warnings == ()
    assert timecodes(tmp_path / "b") == wanted
    assert {read_scan_header(path).rate for path in (tmp_path / "b").iterdir()} == {ntsc}


@pytest.mark.usefixtures("nearest_engine")
def test_pictures_that_cannot_be_decoded_leave_the_others_their_timecodes(tmp_path):
    wanted = [f"01:00:00:{number:02}" for number in range(4)]
    make_scan(tmp_path / "in", "dpx", wanted)
    (tmp_path / "in" / "000008.dpx").write_bytes(b"SDPX broken")
    chosen = process_settings(restore=SAME)
    assert process(tmp_path / "in", tmp_path / "out/%06d.dpx", chosen).exit_code == 1
    assert timecodes(tmp_path / "out") == [wanted[0], *wanted[2:]]


@pytest.mark.parametrize("kind", FORMATS)
def test_numbers_count_where_headers_say_nothing(tmp_path, kind):
    make_pictures(tmp_path / "in" / f"%d.{kind}", kind, FORMATS[kind], first=86400)
    assert begun(tmp_path / "in") == ("01:00:00:00", "", [])
    third = ReadSettings(start_number=86402, rate=Fraction(24))
    assert begun(tmp_path / "in", chosen=third) == ("01:00:00:02", "", [])
    assert begun(tmp_path / "in", start=Fraction(1, 12)) == ("01:00:00:02", "", [])
    assert begun(tmp_path / "in", ".png") == ("", "", [])  # nothing is lost that nobody has said


def test_the_timecode_of_a_scan_is_that_of_the_first_frame(tmp_path):
    make_scan(tmp_path / "in", "dpx", ["01:00:00:00", "01:00:00:01", "01:00:00:02"])
    assert begun(tmp_path / "in", ".exr") == ("01:00:00:00", "", [])
    assert begun(tmp_path / "in", start=Fraction(1, 24)) == ("01:00:00:01", "", [])
    assert begun(tmp_path / "in", ".tif") == ("", "01:00:00:00", [])
    assert begun(tmp_path / "in", ".dpx", rate=Fraction(50)) == ("", "01:00:00:00", [])
    one = tmp_path / "in" / "000008.dpx"
    assert begun(one) == ("01:00:00:01", "", [])


@pytest.mark.usefixtures("nearest_engine")
def test_a_still_has_the_timecode_of_its_frame(tmp_path):
    make_scan(tmp_path / "in", "dpx", [f"01:00:00:{number:02}" for number in range(4)])
    chosen = process_settings(restore=SAME, still=Fraction(5, 48))  # within the third frame
    process(tmp_path / "in", tmp_path / "still.dpx", chosen)
    assert read_scan_header(tmp_path / "still.dpx").timecode == "01:00:00:02"


def test_timecodes_that_do_not_go_on_are_told(tmp_path):
    make_scan(tmp_path / "jump", "dpx", ["01:00:00:00", "01:00:00:01", "02:00:00:00"])
    timecode, lost, (warning,) = begun(tmp_path / "jump")
    assert (timecode, lost) == ("01:00:00:00", "")
    assert warning.startswith("the timecodes of 3 pictures go from 01:00:00:00 to 02:00:00:00")
    make_scan(tmp_path / "zero", "dpx", ["00:00:00:00"] * 3)  # of a scanner that knows none
    assert begun(tmp_path / "zero") == ("00:00:00:07", "", [])


@pytest.mark.parametrize(
    ("given", "rate", "timecode", "lost"),
    [
        ("01:02:03:22", 25, "01:02:04:02", ""),
        ("01:02:03:22", 50, "01:02:04:04", ""),
        ("99 reels", 25, "", "99 reels"),
    ],
)
def test_the_timecode_of_a_file_is_that_of_the_first_frame(tmp_path, given, rate, timecode, lost):
    def prepare(_, stream):
        stream.metadata["timecode"] = given

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    found = begun(tmp_path / "in.mkv", rate=Fraction(rate), start=Fraction(2, 10))
    assert found == (timecode, lost, [])


def test_a_lost_timecode_is_named():
    notes = Notes()
    CarryPlan(lost_timecode="99 reels").tell(notes)
    assert notes.warnings == ["not carried over: the timecode 99 reels"]


@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize("name", ["out.mov", "out.mkv", "out/%06d.dpx"])
def test_the_user_sets_it_also_where_the_input_says_another(tmp_path, name):
    def prepare(_, stream):
        stream.metadata["timecode"] = "01:02:03:22"

    make_clip(tmp_path / "in.mov", prepare=prepare)
    single = "%" not in name
    encode = LOSSLESS if single else EncodeSettings()
    wanted = process_settings(restore=SAME, timecode="23:59:59:24", encode=encode)
    process(tmp_path / "in.mov", tmp_path / name, wanted)
    if single:
        assert timecode_of(tmp_path / name) == "23:59:59:24"
    else:
        assert timecodes(tmp_path / "out")[:3] == ["23:59:59:24", "00:00:00:00", "00:00:00:01"]


@pytest.mark.parametrize(
    ("timecode", "suffix", "rate", "said"),
    [
        ("01:00:00:24", ".mov", 24, "24 frames/s have the frames 00 to 23"),
        ("01:00:00;00", ".mov", 25, r"only 29\.97 and 59\.94 frames/s drop frames, not 25"),
        ("01:01:00;01", ".mov", Fraction(30000, 1001), "leaves this number out: use 01:01:00;02"),
        ("01:00:00:00", ".exr", 50, r"counts up to 30 frames/s, not 50: use \.mov"),
        ("01:00:00:00", ".y4m", 24, r"use one of \.mov"),
        ("01:00:00:00", ".mov", 0, "no frame rate"),
    ],
)
def test_what_an_output_cannot_begin_with_is_one_line(timecode, suffix, rate, said):
    with pytest.raises(SettingsError, match=said):
        wanted_timecode(timecode, suffix, Fraction(rate))


@pytest.mark.parametrize("text", ["", "1:00:00:00", "24:00:00:00", "01:60:00:00", "01:00:00", "x"])
def test_what_is_no_timecode_is_refused_where_it_is_set(text):
    with pytest.raises(SettingsError, match="is no timecode: use HH:MM:SS:FF"):
        process_settings(timecode=text)
