"""A system that takes fewer bytes at a time than it is given: nothing is cut off."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.clips import make_clip
from tests.nearest import LOSSLESS, settings
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.segments import cutting
from vs_gendrpix.job.segments.folder import INDEX, LEDGER, JobFolder
from vs_gendrpix.job.segments.job_plan import JobPlan
from vs_gendrpix.job.segments.lease import Claims
from vs_gendrpix.job.segments.process import prepare
from vs_gendrpix.job.segments.work import work
from vs_gendrpix.write.part import Part, examined

pytestmark = pytest.mark.usefixtures("nearest_engine")

SHORT = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

ssize_t write(int file, const void *content, size_t length) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    return real(file, content, length > 100 ? 100 : length);
}
"""
COPYING = """
import sys
from pathlib import Path
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.job.segments.lease import Claims
from vs_gendrpix.write.part import examined

given, made = (JobFolder(Path(path)) for path in sys.argv[1:])
made.create(given.plan())
assert made.commit(given.manifest(0))
made.record("x" * 5000)
with Claims(10.0).claim(made.lease(1)), examined(made.lease(1)) as (owner, _):
    print(owner.output)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A job of which one segment is made."""
    monkeypatch.setattr(cutting, "LENGTH", 10)
    make_clip(tmp_path / "in.mp4", times=[512 * n for n in range(30)])
    job, _ = JobPlan.of(
        make_plan(tmp_path / "in.mp4", tmp_path / "out.mp4", settings(encode=LOSSLESS))
    )
    made = prepare(job)
    work(made, chosen=lambda number: number == 0)
    return made


@pytest.mark.slow
def test_plans_manifests_leases_and_ledgers_are_whole(folder, tmp_path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    (tmp_path / "short.c").write_text(SHORT)
    library = str(tmp_path / "short.so")
    compiled = [compiler, "-shared", "-fPIC", "-o", library, str(tmp_path / "short.c"), "-ldl"]
    subprocess.run(compiled, check=True)
    made = JobFolder(tmp_path / "copy.job")
    done = subprocess.run(
        [sys.executable, "-c", COPYING, str(folder.path), str(made.path)],
        env=os.environ | {"LD_PRELOAD": library},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "00001.lease\n"), done.stderr
    assert made.plan() == folder.plan()
    for name in (INDEX, "00000.json"):
        assert (made.path / name).read_bytes() == (folder.path / name).read_bytes()
    assert "x" * 5000 in (made.path / LEDGER).read_text()


def test_leases_and_locks_say_whose_they_are(tmp_path, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda handle, content: real(handle, content[:5]))
    path = tmp_path / "00001.lease"
    with Claims(10.0).claim(path), examined(path) as (owner, _):
        assert owner.output == path.name
    part = Part(tmp_path / "out.mp4")
    part.open()
    with examined(part.path.with_suffix(".lock")) as (owner, _):
        assert owner.output == "out.mp4"
    part.close()


def test_a_lease_that_does_not_fit_on_the_disk_is_an_error_and_leaves_none(tmp_path, monkeypatch):
    real, taken = os.write, []

    def write(handle, content):
        if taken:
            raise OSError(28, "No space left on device")
        taken.append(real(handle, content[:5]))
        return 5

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        Claims(10.0).claim(tmp_path / "00001.lease")
    assert list(tmp_path.iterdir()) == []
