import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.sequence import Names, find_sequence


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")


@given(st.sampled_from(["", "shot.", "a1_"]), st.integers(0, 8), st.integers(0, 999_999_999))
def test_a_pattern_names_as_printf_does(prefix, digits, number):
    name = f"{prefix}%{f'0{digits}' if digits else ''}d.exr"
    names = Names.of(Path("in") / name)
    assert names.path(number) == Path("in") / (name % number)
    assert names.pattern() == f"in/{name}"


def test_only_a_picture_with_one_number_is_a_pattern():
    for name in ("%d.mp4", "a.png", "%s.png", "%d%d.png", "100%.png", "%5d.png"):
        assert Names.of(Path(name)) is None


def test_a_per_cent_sign_of_the_folder_is_no_number(tmp_path):
    folder = tmp_path / "100%d"
    touch(folder, "1.png", "2.png")
    found = find_sequence(folder / "%d.png")
    assert (found.first, found.count) == (1, 2)
    assert "100%%d" in found.names.pattern()


@pytest.mark.parametrize(
    ("files", "pattern", "first", "count"),
    [
        (["f0009.png", "f0010.png", "f0011.png", "note.txt"], "f%04d.png", 9, 3),
        (["f9.png", "f10.png", "f11.png"], "f%d.png", 9, 3),
        (["s2.098.dpx", "s2.099.dpx", "s2.100.dpx"], "s2.%03d.dpx", 98, 3),
        (["7.EXR"], "%d.EXR", 7, 1),
        (["9998.tif", "9999.tif", "10000.tif"], "%d.tif", 9998, 3),
    ],
)
def test_a_folder_is_its_one_sequence(tmp_path, files, pattern, first, count):
    touch(tmp_path / "in", *files)
    for path in (tmp_path / "in", tmp_path / "in" / pattern):
        found = find_sequence(path)
        assert found.names.pattern() == str(tmp_path / "in" / pattern)
        assert (found.first, found.count) == (first, count)


def test_a_file_of_that_very_name_is_no_sequence(tmp_path):
    touch(tmp_path, "%d.png", "1.png")
    assert find_sequence(tmp_path / "%d.png") is None


@pytest.mark.parametrize(
    ("files", "path", "start", "said"),
    [
        (["a1.png", "a2.png", "a5.png"], "in", None, "number 3 to 4 is missing"),
        (["a1.png", "a3.png"], "in/a%d.png", None, "number 2 is missing"),
        (["a1.png", "b1.png"], "in", None, r"several sequences .*a%d.png, b%d.png"),
        (["a1.png", "a1.dpx"], "in", None, "several sequences"),
        (["a.png"], "in", None, "no numbered pictures"),
        ([], "in", None, "no numbered pictures"),
        (["a1.png"], "in/b%d.png", None, "no picture .*b0.png"),
        (["a1.png"], "in/a%02d.png", None, "no picture .*a00.png"),
        (["a1.png"], "in", 2, "no picture .*a2.png"),
        (["a5.png"], "in", 2, "no picture .*a2.png"),
        ([], "no/a%d.png", None, "cannot read the folder"),
    ],
)
def test_what_is_no_whole_sequence_is_refused(tmp_path, files, path, start, said):
    touch(tmp_path / "in", *files)
    with pytest.raises(MediaError, match=said):
        find_sequence(tmp_path / path, start)


def test_it_can_begin_later(tmp_path):
    touch(tmp_path / "in", *(f"{number}.png" for number in (1, 4, 5, 6)))
    found = find_sequence(tmp_path / "in", 4)
    assert (found.first, found.count) == (4, 3)


@pytest.mark.parametrize("name", ["", "%03d.png"])
def test_a_fifo_among_pictures_is_missing(tmp_path, name):
    """Reading it would wait for a writer as long as the program lives."""
    for number in (1, 3):
        (tmp_path / f"{number:03}.png").touch()
    os.mkfifo(tmp_path / "002.png")
    with pytest.raises(MediaError, match="number 2 is missing"):
        find_sequence(tmp_path / name)
