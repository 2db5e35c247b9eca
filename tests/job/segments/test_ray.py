"""Workers on Ray: real nodes, actors and drivers, which are killed."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction

import pytest

from tests.choices import process_settings
from tests.clips import make_clip
from tests.job.segments.jobs import frames_of
from tests.nearest import settings
from vs_gendrpix import EncodeSettings, JobSettings, ProcessSettings, RestoreSettings, process
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import DeviceError, ResourceError
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.write.part import examined

ray = pytest.importorskip("ray", reason="the extra ray is not installed")

from ray.cluster_utils import Cluster  # noqa: E402
from ray.util.client.server.server import serve  # noqa: E402

from vs_gendrpix.job.segments.ray_workers import asked, wanted  # noqa: E402

FRAMES = 117
SCRIPT = """
import os, signal, time
from pathlib import Path
import vapoursynth as vs

here = Path("{here}")
clip = vs.core.std.BlankClip(width=64, height=48, format=vs.YUV420P8, length={frames}, fpsnum=25)

def picture(n):
    while n >= 58 and (here / "wait").exists():
        time.sleep(0.05)
    if n == 50 and (here / "die").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return clip.std.BlankClip(color=[16 + n, 60 + n, 128])

clip.std.FrameEval(picture).set_output()
"""
COMMAND = """
import sys
from vs_gendrpix.cli.main import main
from vs_gendrpix.job.segments import cutting

cutting.LENGTH = 20
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def cluster():
    """A node of two CPUs, which this process is connected to."""
    with tempfile.TemporaryDirectory(
        prefix="r", dir="/tmp"
    ) as folder:  # names of sockets are short
        # A busy machine takes minutes to start the processes of a node.
        os.environ |= {"RAY_agent_register_timeout_ms": "300000", "RAY_TMPDIR": folder}
        made = Cluster()
        made.add_node(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False)
        ray.init(address=made.address, log_to_driver=False, logging_level="ERROR")
        yield made
        ray.shutdown()
        made.shutdown()
        for name in ("RAY_agent_register_timeout_ms", "RAY_TMPDIR"):
            del os.environ[name]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A clip of six segments; it stands still in the third one while there is a file `wait`."""
    monkeypatch.setattr(cutting, "LENGTH", 20)
    path = tmp_path / "in.vpy"
    path.write_text(SCRIPT.format(frames=FRAMES, here=tmp_path))
    return path


@pytest.fixture(scope="module")
def one(tmp_path_factory, small_model):
    """What one process makes of the clip."""
    folder = tmp_path_factory.mktemp("one")
    (folder / "in.vpy").write_text(SCRIPT.format(frames=FRAMES, here=folder))
    process(folder / "in.vpy", folder / "one.mkv", chosen(small_model))
    return folder / "one.mkv"


def chosen(model, workers=None) -> ProcessSettings:
    restore = RestoreSettings(scale=Fraction(1), model_path=model, dtype="fp32", device="cpu")
    job = JobSettings(workers=workers)
    return process_settings(restore=restore, encode=EncodeSettings(encoder="ffv1"), job=job)


def owners(folder):
    """The processes that have claimed segments, by the leases."""
    found = []
    for path in folder.path.glob("*.lease"):
        with examined(path) as (owner, free):
            if owner is not None and free is False:
                found.append(owner.pid)
    return found


def finished(job):
    return job.finished(job.names()) if job.exists() else set()


@contextmanager
def waiting(folder):
    """Let the clip stand still from its plan on, until the file is removed."""
    job = JobFolder.beside(folder / "out.mkv")
    with ThreadPoolExecutor() as threads:
        threads.submit(lambda: (until(job.exists), (folder / "wait").touch()))
        try:
            yield
        finally:
            (folder / "wait").unlink(missing_ok=True)


def until(fact):
    while not fact():
        time.sleep(0.1)


def is_same(one, other):
    wanted_frames, found = frames_of(one), frames_of(other)
    assert len(found) == FRAMES
    assert [time for time, _ in found] == [time for time, _ in wanted_frames]
    return all((a == b).all() for (_, a), (_, b) in zip(found, wanted_frames, strict=True))


def test_devices_with_numbers_are_refused_before_anything_is_read(tmp_path, capsys):
    paths = [str(tmp_path / "missing.mp4"), str(tmp_path / "out.mp4")]
    assert main(["video", *paths, "--workers", "ray", "-d", "cuda:1"]) == 2
    assert "Ray chooses the devices, not cuda:1" in capsys.readouterr().err


def test_a_ray_that_does_not_start_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path / ("long" * 30)))  # too long for a socket's name
    monkeypatch.setattr(cutting, "LENGTH", 10)
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(33)])
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(DeviceError, match=r"^Ray .* \(ray\) does not answer \(.*"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(workers="ray"))
    assert signal.getsignal(signal.SIGTERM) is before
    assert not JobFolder.beside(tmp_path / "out.mp4").exists()  # nothing to go on with


CPUS = [{"CPU": 16.0, "memory": 1e9}, {"CPU": 16.0}]
GPUS = [{"CPU": 32.0, "GPU": 4.0}, {"CPU": 9.0, "GPU": 1.0}, {"CPU": 8.0}]


@pytest.mark.parametrize(
    ("nodes", "device", "each", "count"),
    [
        (CPUS, "auto", {"CPU": 15}, 4),
        (GPUS, "auto", {"GPU": 1, "CPU": 7}, 10),
        (GPUS, "cpu", {"CPU": 7}, 6 + 6),
        (CPUS, "cuda", {"GPU": 1, "CPU": 0}, 1),
        ([], "cuda", {"GPU": 1, "CPU": 0}, 1),
        ([{"CPU": 2.0}], "auto", {"CPU": 1}, 1),
        ([{"CPU": 1.0}], "auto", {"CPU": 0.5}, 1),
        ([{"CPU": 2.0, "GPU": 2.0}], "auto", {"GPU": 1, "CPU": 0}, 4),
    ],
)
def test_actors_leave_a_cpu_on_each_node(nodes, device, each, count):
    assert asked(nodes, device) == each
    assert wanted(nodes, each) == count


@pytest.mark.slow
def test_a_node_joins_and_is_lost(cluster, source, small_model, one):
    folder = source.parent
    job = JobFolder.beside(folder / "out.mkv")
    with ThreadPoolExecutor() as threads, waiting(folder):
        run = threads.submit(process, source, folder / "out.mkv", chosen(small_model, "ray"))
        until(lambda: owners(job) or run.done())
        node = cluster.add_node(num_cpus=2, object_store_memory=80 << 20)
        until(lambda: len(owners(job)) == 2 or run.done())
        cluster.remove_node(node, allow_graceful=False)
        (folder / "wait").unlink()
        assert run.result().frames_encoded == FRAMES
    assert is_same(one, folder / "out.mkv")
    assert ray.is_initialized()  # what the program has connected to stays so


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_a_segment_that_kills_three_actors_is_left_out_and_named(source, small_model):
    job = JobFolder.beside(source.parent / "out.mkv")
    begun = threading.Thread(target=lambda: (until(job.exists), (source.parent / "die").touch()))
    begun.start()
    with pytest.raises(ResourceError, match="segment 2 failed 3 times"):
        process(source, source.parent / "out.mkv", chosen(small_model, "ray"))
    begun.join()
    assert finished(job) == {0, 1, 3, 4, 5}


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_the_driver_is_killed_and_another_goes_on(source, small_model, one):
    folder = source.parent
    (folder / "command.py").write_text(COMMAND)
    command = [sys.executable, str(folder / "command.py"), "video", str(source)]
    command += [str(folder / "out.mkv"), "-s", "1", "-m", str(small_model), "--dtype", "fp32"]
    command += ["-d", "cpu", "-c", "ffv1", "--workers"]
    job = JobFolder.beside(folder / "out.mkv")
    with (folder / "said").open("w") as said, waiting(folder):
        driver = subprocess.Popen([*command, "ray"], stdout=said, stderr=said)
        until(lambda: len(finished(job)) == 2 or driver.poll())
        until(lambda: owners(job) or driver.poll())
        assert driver.poll() is None, (folder / "said").read_text()
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        until(lambda: not owners(job))  # its actors end with it
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = serve("127.0.0.1", port)
    address = f"ray://127.0.0.1:{port}"
    done = subprocess.run([*command, address], capture_output=True, text=True, check=False)
    server.stop(0)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "goes on where it stopped: 2 of 6 segments are finished" in done.stderr
    assert is_same(one, folder / "out.mkv")
