import errno

import pytest

from vs_gendrpix.errors import OutputError, ResourceError
from vs_gendrpix.frame.sequence import Names
from vs_gendrpix.write.output import OutputFile, OutputFolder, output_fault


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.mp4"
    path.write_text("in")
    return path


def publish(path, source, *, overwrite=False, text="new"):
    with OutputFile(path, source=source, overwrite=overwrite) as output:
        output.part.write_text(text)
        output.sync()
        output.publish()


def test_a_file_appears_whole_and_nothing_else_stays(tmp_path, source):
    publish(tmp_path / "out.mp4", source)
    assert (tmp_path / "out.mp4").read_text() == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


def test_without_publishing_nothing_appears(tmp_path, source):
    with (
        pytest.raises(KeyboardInterrupt),
        OutputFile(tmp_path / "out.mp4", source=source, overwrite=False),
    ):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_an_existing_file_stays_until_the_new_one_is_whole(tmp_path, source):
    old = tmp_path / "out.mp4"
    old.write_text("old")
    with pytest.raises(OutputError, match="exists"):
        OutputFile(old, source=source, overwrite=False)
    with OutputFile(old, source=source, overwrite=True) as output:
        output.part.write_text("half")
        assert old.read_text() == "old"
    assert old.read_text() == "old"
    publish(old, source, overwrite=True)
    assert old.read_text() == "new"


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_comes_up_meanwhile_wins(tmp_path, source, links, monkeypatch):
    path = tmp_path / "out.mp4"
    if not links:  # a file system such as exFAT

        def refuse(*_):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    with OutputFile(path, source=source, overwrite=False) as output:
        output.part.write_text("finished")
        path.write_text("other")
        (tmp_path / "out-2.mp4").write_text("other too")
        with pytest.raises(OutputError, match=r"exists by now.*out-3\.mp4"):
            output.publish()
    assert path.read_text() == "other"
    assert (tmp_path / "out-3.mp4").read_text() == "finished"
    assert len(list(tmp_path.iterdir())) == 4
    path.unlink()
    publish(path, source)
    assert path.read_text() == "new"


@pytest.mark.parametrize("overwrite", [True, False])
@pytest.mark.parametrize("kind", ["same", "symlink", "hardlink"])
def test_the_input_is_never_the_output(tmp_path, source, kind, overwrite):
    path = tmp_path / "link.mp4"
    if kind == "symlink":
        path.symlink_to(source)
    elif kind == "hardlink":
        path.hardlink_to(source)
    else:
        path = source
    with pytest.raises(OutputError, match="is the input"):
        OutputFile(path, source=source, overwrite=overwrite)
    assert source.read_text() == "in"


def test_a_link_is_followed_not_replaced(tmp_path, source):
    (tmp_path / "other").mkdir()
    link = tmp_path / "out.mp4"
    link.symlink_to(tmp_path / "other" / "real.mp4")
    publish(link, source)
    assert link.is_symlink()
    assert (tmp_path / "other" / "real.mp4").read_text() == "new"


@pytest.mark.parametrize("name", ["no/such/folder/out.mp4", "x" * 252 + ".mp4", "in.mp4/out.mp4"])
def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path, source, name):
    with (
        pytest.raises(OutputError, match="cannot write"),
        OutputFile(tmp_path / name, source=source, overwrite=False),
    ):
        pass


@pytest.mark.parametrize("letter", ["x", "\u00e9"])
def test_the_longest_name_is_written(tmp_path, source, letter):
    name = letter * (251 // len(letter.encode())) + ".mp4"
    publish(tmp_path / name, source)
    with OutputFile(tmp_path / name, source=source, overwrite=True) as output:
        (tmp_path / name).unlink()
        (tmp_path / name).mkdir()  # in the way of the new file
        output.part.write_text("finished")
        with pytest.raises(OutputError, match="exists by now"):
            output.publish()
    found = [path for path in tmp_path.iterdir() if path.is_file() and path != source]
    assert [path.read_text() for path in found] == ["finished"]
    assert found[0].name.endswith("-2.mp4")


def test_a_finished_file_that_gets_no_name_stays(tmp_path, source, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    with OutputFile(tmp_path / "out.mp4", source=source, overwrite=False) as output:
        output.part.write_text("finished")
        with pytest.raises(OutputError, match=r"Input/output error.*out\.mp4\.\w{8}\.part"):
            output.publish()
    assert output.part.read_text() == "finished"


PICTURES = "%02d.png"


def folder_of(path, source, *, overwrite):
    return OutputFolder(Names.of(path / PICTURES), source=source, overwrite=overwrite)


def fill(folder, text, count=3):
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:02d}.png").write_text(text)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_folder_of_pictures_is_exchanged_whole(tmp_path, source, at_once, monkeypatch):
    if not at_once:  # another system than Linux
        monkeypatch.setattr("sys.platform", "darwin")
    path = tmp_path / "out"
    fill(path, "old", count=5)
    with folder_of(path, source, overwrite=True) as output:
        fill(output.part, "new")
        output.sync()
        output.publish()
        assert sorted(found.name for found in path.iterdir()) == ["00.png", "01.png", "02.png"]
        assert len(list(output.part.iterdir())) == 5  # until the exchange is over
    assert {found.read_text() for found in path.iterdir()} == {"new"}
    assert sorted(found.name for found in tmp_path.iterdir()) == ["in.mp4", "out"]


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_comes_up_in_a_folder_meanwhile_stays(tmp_path, source, overwrite):
    path = tmp_path / "out"
    if overwrite:
        fill(path, "old")
    with folder_of(path, source, overwrite=overwrite) as output:
        fill(output.part, "new")
        path.mkdir(exist_ok=True)
        (path / "mine.txt").write_text("mine")
        with pytest.raises(OutputError, match=r"exists by now.*out-2$"):
            output.publish()
    assert (path / "mine.txt").read_text() == "mine"
    assert len(list(path.iterdir())) == (4 if overwrite else 1)
    assert {found.read_text() for found in (tmp_path / "out-2").iterdir()} == {"new"}
    assert sorted(found.name for found in tmp_path.iterdir()) == ["in.mp4", "out", "out-2"]


def test_a_folder_or_a_device_is_refused(tmp_path, source):
    for path in (tmp_path, tmp_path.__class__("/dev/null")):
        with pytest.raises(OutputError, match="not a regular file"):
            OutputFile(path, source=source, overwrite=True)


def test_a_full_disk_is_temporary():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(output_fault(full, "cannot write out.mp4"), ResourceError)
    other = OSError(errno.EIO, "Input/output error")
    assert isinstance(output_fault(other, "cannot write out.mp4"), OutputError)
