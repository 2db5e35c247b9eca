import errno

import pytest

from vs_gendrpix.errors import OutputError, ResourceError
from vs_gendrpix.write.output import OutputFile, output_fault


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
        path.write_text("other")
        with pytest.raises(OutputError, match="exists"):
            output.publish()
    assert path.read_text() == "other"
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


@pytest.mark.parametrize("name", ["no/such/folder/out.mp4", "x" * 250 + ".mp4", "in.mp4/out.mp4"])
def test_a_path_that_cannot_be_written_is_refused_at_once(tmp_path, source, name):
    with (
        pytest.raises(OutputError, match="cannot write"),
        OutputFile(tmp_path / name, source=source, overwrite=False),
    ):
        pass


def test_a_folder_or_a_device_is_refused(tmp_path, source):
    for path in (tmp_path, tmp_path.__class__("/dev/null")):
        with pytest.raises(OutputError, match="not a regular file"):
            OutputFile(path, source=source, overwrite=True)


def test_a_full_disk_is_temporary():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert isinstance(output_fault(full, "cannot write out.mp4"), ResourceError)
    other = OSError(errno.EIO, "Input/output error")
    assert isinstance(output_fault(other, "cannot write out.mp4"), OutputError)
