import errno
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clips import make_clip, read
from tests.nearest import LOSSLESS, NearestEngine, settings
from vs_gendrpix.errors import (
    DeviceError,
    MediaError,
    OutputError,
    ResourceError,
    SettingsError,
    cancellation,
)
from vs_gendrpix.job.batch.clips import Target
from vs_gendrpix.job.batch.progress import BatchProgress
from vs_gendrpix.job.batch.record import NAME
from vs_gendrpix.job.batch.run import process_all
from vs_gendrpix.settings import EncodeSettings, RestoreSettings
from vs_gendrpix.write.output import output_fault

pytestmark = pytest.mark.usefixtures("counted_engine")


@pytest.fixture
def counted_engine(monkeypatch):
    """The engine of a job, of which each one that is opened is kept."""
    opened = []

    class Counted(NearestEngine):
        def __init__(self, settings, notes=None):
            super().__init__(settings, notes)
            opened.append(self)
            self.closed = False

        def close(self):
            self.closed = True

    monkeypatch.setattr("vs_gendrpix.restore.engine.Engine", Counted)
    return opened


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Three clips in two folders; paths are relative to where they lie."""
    monkeypatch.chdir(tmp_path)
    Path("in/sub").mkdir(parents=True)
    make_clip(Path("in/a.mp4"), times=(0, 512, 1024))
    for name in ("b.mp4", "sub/c.mp4"):
        Path("in", name).write_bytes(Path("in/a.mp4").read_bytes())
    yield tmp_path
    cancellation.reset()


def quick(scale=1, **more):
    return settings(scale, LOSSLESS, **more)


def restored(*inputs, chosen=None, target=None, **more):
    paths = [Path(each) for each in inputs or ("in",)]
    return process_all(paths, target or Target(folder=Path("out")), chosen or quick(), **more)


def again(**changed):
    """The usual settings of writing, with some of them changed."""
    chosen = quick()
    return replace(chosen, write=replace(chosen.write, **changed))


def outputs():
    return sorted(str(path) for path in Path("out").rglob("*.mkv"))


ALL = ["out/a.mkv", "out/b.mkv", "out/sub/c.mkv"]


class Listener(BatchProgress):
    """Keeps what it is told, and does something when a clip begins, has frames, or is done."""

    def __init__(self, **do):
        self.told, self.do, self.number = [], do, 0

    def begin(self, turn):
        self.number = turn.number
        self.told.append(("begin", turn.number, turn.total, str(turn.clip.name)))
        self._do("begin")

    def frame(self, _count, _bound):
        self._do("frame")

    def done(self, _report):
        self.told.append(("done",))
        self._do("done")

    def passed_over(self, turn):
        self.told.append(("passed_over", turn.number))

    def failed(self, turn, failure):
        self.number = turn.number
        self.told.append(("failed", turn.number, failure.exit_code))
        self._do("failed")

    def ended(self, summary):
        self.told.append(("ended", summary.exit_code))

    def _do(self, event):
        self.do.get(f"{event}_{self.number}", lambda: None)()


@pytest.mark.usefixtures("folder")
def test_all_clips_are_restored_with_one_engine(counted_engine):
    listener = Listener()
    summary = restored(progress=listener)
    assert outputs() == ALL
    assert len(read(Path("out/sub/c.mkv")).times) == 3
    assert (summary.finished, summary.exit_code, summary.left) == (3, 0, 0)
    assert listener.told == [
        *[("begin", 1, 3, "a.mp4"), ("done",), ("begin", 2, 3, "b.mp4"), ("done",)],
        *[("begin", 3, 3, "sub/c.mp4"), ("done",), ("ended", 0)],
    ]
    assert len(counted_engine) == 1
    assert counted_engine[0].closed


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_failure_is_told_and_the_others_follow(counted_engine):
    Path("in/a2.mp4").write_text("broken")
    Path("in/sub/b.mp4").touch()
    listener = Listener()
    summary = restored(progress=listener)
    assert outputs() == ALL
    assert (summary.finished, summary.failed, summary.exit_code) == (3, 2, 3)
    *failed, total = summary.lines()
    assert failed[0].startswith("in/a2.mp4: exit code 3: cannot read in/a2.mp4")
    assert failed[1] == "in/sub/b.mp4: exit code 3: the input in/sub/b.mp4 is empty"
    assert total.startswith("3 clips finished, 2 failed; ")
    assert ("failed", 2, 3) in listener.told
    assert len(counted_engine) == 1  # a bad clip is no reason to load the weights again


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_exit_code_is_the_worst_one():
    Path("in/broken.mp4").write_text("broken")
    make_clip(Path("in/raw.h264"), container="h264")  # times that are made up: 1
    summary = restored()
    assert {str(clip.name): failure.exit_code for clip, failure in summary.troubled} == {
        "broken.mp4": 3,
        "raw.h264": 1,
    }
    assert (summary.finished, summary.failed, summary.exit_code) == (4, 1, 3)
    assert any("raw.h264: exit code 1: the input is damaged" in line for line in summary.lines())
    Path("in/broken.mp4").unlink()
    assert restored(chosen=again(overwrite=True)).exit_code == 1


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_what_is_finished_is_passed_over(counted_engine):
    restored("in/a.mp4", "in/b.mp4")
    Path("out/b.mkv").unlink()
    before = Path("out/a.mkv").stat()
    listener = Listener()
    summary = restored(progress=listener)
    assert (summary.finished, summary.passed_over) == (2, 1)
    assert ("passed_over", 1) in listener.told
    assert summary.lines()[-1].startswith("2 clips finished, 1 passed over, as finished before;")
    assert Path("out/a.mkv").stat() == before
    counted_engine.clear()
    assert restored().passed_over == 3
    assert counted_engine == []  # nothing to do loads nothing
    summary = restored(chosen=again(overwrite=True))
    assert (summary.finished, summary.passed_over) == (3, 0)
    assert Path("out/a.mkv").stat().st_ino != before.st_ino


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_odd_names_are_only_names():
    for name in ("b\udcff.mp4", "line\nbreak.mp4", "%06d.mp4", "-x.mp4"):
        Path("in/sub", name).write_bytes(Path("in/a.mp4").read_bytes())
    summary = restored("in/sub")
    assert (summary.finished, summary.exit_code) == (5, 0)
    assert restored("in/sub").passed_over == 5
    with pytest.raises(OutputError, match="other settings"):
        restored("in/sub", chosen=quick(2))


@pytest.mark.usefixtures("folder")
def test_outputs_of_other_settings_are_refused_before_the_work():
    restored("in")
    Path("out/a.mkv").unlink()
    with pytest.raises(OutputError, match=r"out/b\.mkv was made with other settings \(scale was 1"):
        restored(chosen=quick(2))
    assert outputs() == ALL[1:]


@pytest.mark.usefixtures("folder")
def test_two_clips_of_one_output_are_refused_before_the_work():
    Path("in/sub/c.mov").write_bytes(Path("in/a.mp4").read_bytes())
    with pytest.raises(OutputError, match=r"in/sub/c.mov and in/sub/c.mp4 .* out/sub/c.mkv"):
        restored()
    assert not Path("out").exists()


@pytest.mark.usefixtures("folder")
def test_an_output_that_is_an_input_is_refused_before_the_work():
    Path("in/a.mp4").rename("in/b.mkv")
    with pytest.raises(OutputError, match=r"in/b\.mkv is an input"):
        restored(
            *("in/b.mp4", "in/b.mkv"),
            target=Target(folder=Path("in")),
            chosen=again(overwrite=True),
        )


@pytest.mark.parametrize(("inputs", "said"), [(["empty"], "empty"), (["empty", "e2"], "folders")])
def test_folders_without_clips_are_refused(folder, inputs, said):
    for name in ("empty", "e2"):
        (folder / name).mkdir()
    with pytest.raises(MediaError, match=f"{said} ha.* no clips"):
        restored(*inputs)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_each_clip_has_a_report():
    target = Target(folder=Path("out"), reports=Path("reports"))
    restored(target=target)
    found = {str(path): json.loads(path.read_text()) for path in Path("reports").rglob("*.json")}
    assert sorted(found) == ["reports/a.json", "reports/b.json", "reports/sub/c.json"]
    assert found["reports/sub/c.json"]["input"]["path"] == "in/sub/c.mp4"
    assert found["reports/sub/c.json"]["output"]["path"] == "out/sub/c.mkv"


@pytest.mark.usefixtures("folder")
def test_a_folder_of_pictures_for_each_clip():
    chosen = settings(encode=EncodeSettings(encoder="png"))
    summary = restored(target=Target(folder=Path("out"), suffix=".png"), chosen=chosen)
    assert summary.exit_code == 0
    assert sorted(path.name for path in Path("out/sub/c").iterdir()) == [
        *("000001.png", "000002.png", "000003.png")
    ]
    assert restored(target=Target(folder=Path("out"), suffix=".png"), chosen=chosen).finished == 0


@pytest.mark.usefixtures("folder")
def test_a_clip_that_fails_leaves_no_folders():
    Path("broken/deep").mkdir(parents=True)
    Path("broken/deep/a.mp4").write_text("broken")
    target = Target(folder=Path("there/out"), reports=Path("reports"))
    assert restored("broken", target=target).exit_code == 3
    assert not Path("there").exists()
    assert not Path("reports").exists()


@pytest.mark.usefixtures("folder")
def test_outputs_where_a_file_is_in_the_way_fail():
    Path("out").mkdir()
    Path("out/sub").touch()
    summary = restored()
    assert (summary.finished, summary.exit_code) == (2, 4)


def failing(error):
    def fail():
        raise error

    return fail


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("error", "code"), [(KeyError("x"), 70), (MemoryError(), 6), (DeviceError("lost"), 6)]
)
def test_a_fault_ends_one_clip_and_a_new_engine_is_opened(counted_engine, error, code):
    summary = restored(progress=Listener(frame_2=failing(error)))
    assert outputs() == [ALL[0], ALL[2]]
    assert (summary.finished, summary.exit_code) == (2, code)
    assert len(counted_engine) == 2
    assert all(engine.closed for engine in counted_engine)


@pytest.mark.usefixtures("folder")
def test_a_full_disk_ends_the_batch():
    full = output_fault(OSError(errno.ENOSPC, "No space left on device"), "cannot write out/b.mkv")
    full.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    listener = Listener(frame_2=failing(full))
    summary = restored(progress=listener)
    assert outputs() == ALL[:1]
    assert (summary.finished, summary.failed, summary.left, summary.exit_code) == (1, 1, 1, 75)
    assert "1 left: the same command goes on" in summary.lines()[-1]


@pytest.mark.usefixtures("folder")
def test_what_else_is_short_ends_one_clip():
    summary = restored(progress=Listener(frame_2=failing(ResourceError("segment 3 has failed"))))
    assert (summary.finished, summary.failed, summary.left, summary.exit_code) == (2, 1, 0, 75)


@pytest.mark.usefixtures("folder")
def test_a_bad_model_ends_the_batch_at_once():
    Path("bad.safetensors").write_bytes(b"\xff" * 64)
    bad = replace(quick(), restore=RestoreSettings(model_path=Path("bad.safetensors")))
    summary = restored(chosen=bad)
    assert (summary.failed, summary.left, summary.exit_code) == (1, 2, 5)
    assert not Path("out").exists()


@pytest.mark.usefixtures("folder")
def test_a_missing_device_ends_the_batch_at_once():
    summary = restored(chosen=replace(quick(), restore=RestoreSettings(device="toaster")))
    assert (summary.failed, summary.left, summary.exit_code) == (1, 2, 6)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_batch_that_makes_all_anew_goes_on_without_that():
    summary = restored(chosen=again(overwrite=True), progress=Listener(frame_2=interrupt))
    assert "2 left: the same command without -y goes on" in summary.lines()[-1]
    cancellation.reset()
    assert restored().passed_over == 1


def interrupt():
    cancellation.request(130)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("when", "finished"), [("begin_2", 1), ("frame_2", 1), ("done_1", 1), ("done_2", 2)]
)
def test_a_signal_ends_the_batch_and_the_next_run_goes_on(when, finished):
    listener = Listener(**{when: interrupt})
    summary = restored(progress=listener)
    assert (summary.finished, summary.left) == (finished, 3 - finished)
    assert summary.exit_code == summary.cancelled == 130
    assert summary.lines()[-1].startswith(f"interrupted: {finished} clip")
    assert listener.told[-1] == ("ended", 130)
    assert outputs() == ALL[:finished]
    cancellation.reset()
    summary = restored()
    assert (summary.finished, summary.passed_over) == (3 - finished, finished)


@pytest.mark.usefixtures("folder")
def test_a_signal_as_the_last_clip_gets_its_name_comes_too_late():
    summary = restored(progress=Listener(done_3=interrupt))
    assert (summary.finished, summary.exit_code, summary.cancelled) == (3, 0, None)


@pytest.mark.usefixtures("folder")
def test_a_failure_that_comes_of_the_signal_is_none():
    def both():
        interrupt()
        raise MediaError("ffmpeg ended with 255")

    summary = restored(progress=Listener(frame_2=both))
    assert (summary.failed, summary.exit_code, summary.troubled) == (0, 130, [])


@pytest.mark.usefixtures("folder")
def test_what_was_published_before_a_signal_is_not_denied():
    said = []
    restored(progress=Listener(frame_2=lambda: said.append(cancellation.kept())))
    assert set(said) == {"clips that are finished stay, and the same command goes on"}


@pytest.mark.usefixtures("folder")
def test_only_folders_are_watched():
    with pytest.raises(SettingsError, match="only folders"):
        restored("in", "in/a.mp4", watch=True)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_watch_goes_on_with_what_arrives(monkeypatch):
    monkeypatch.setattr("vs_gendrpix.job.batch.arrivals.SETTLED", 0.2)
    monkeypatch.setattr("vs_gendrpix.job.batch.arrivals.INTERVAL", 0.1)

    def arrives(name):
        return lambda: Path("in", name).write_bytes(Path("in/a.mp4").read_bytes())

    listener = Listener(
        done_3=arrives("sub/c.mov"),  # sub/c.mp4 has its output
        failed_4=arrives("sub/d.mp4"),
        done_5=interrupt,
    )
    summary = restored(watch=True, progress=listener, chosen=again(overwrite=True))
    assert outputs() == [*ALL, "out/sub/d.mkv"]
    assert (summary.finished, summary.exit_code) == (4, 4)
    assert summary.cancelled is None  # the usual end of a watch
    assert "would both be written to out/sub/c.mkv" in summary.lines()[0]
    assert {event[2] for event in listener.told if event[0] == "begin"} == {0}


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_the_record_is_hidden_and_no_clip():
    restored()
    assert Path("out", NAME).name.startswith(".")
    assert restored("out", target=Target(folder=Path("out2"))).finished == 3


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_handles_do_not_grow_with_clips():
    for number in range(24):
        Path(f"in/{number:02}.mp4").write_bytes(Path("in/a.mp4").read_bytes())
    handles = []

    class Counter(BatchProgress):
        def begin(self, _turn):
            handles.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - a count

    assert restored(progress=Counter()).finished == 27
    assert len(set(handles[2:])) == 1


def test_workers_that_are_not_installed_are_refused_once_for_all_clips(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "vs_gendrpix.job.segments.ray_workers", raising=False)
    with pytest.raises(
        SettingsError, match=r"^ray is missing: in the checkout, pip install '\.\[ray\]'"
    ):
        restored(chosen=quick(workers="ray"))
    assert [each.name for each in folder.iterdir()] == ["in"]
