"""Claims: only one has a segment, the dead lose it, and nobody's clock matters."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from vs_gendrpix.job.segments.lease import MISSED, Claims
from vs_gendrpix.settings.values import to_json
from vs_gendrpix.write.part import Owner

BEAT = 0.05

CLAIMING = """
import sys, time
from pathlib import Path
from vs_gendrpix.job.segments.lease import Claims
lease = Claims(10.0).claim(Path(sys.argv[1]))
print("claimed" if lease else "refused", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "00003.lease"


def claim_elsewhere(path):
    """A process that claims a segment and lives on."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLAIMING, str(path)], stdout=subprocess.PIPE, text=True
    )
    return process, process.stdout.readline().strip()


def from_another_machine(path):
    """A lease's file as a machine leaves it whose system's locks are not seen here."""
    owner = Owner(output=path.name, host="elsewhere", boot="other", pid=1, started="2026-01-01")
    path.write_text(to_json(owner))


def test_only_one_has_it_and_gives_it_back(path):
    first, second = Claims(BEAT), Claims(BEAT)
    with first.claim(path):
        assert second.claim(path) is None
    assert not path.exists()
    with second.claim(path) as lease:
        assert lease is not None


def test_of_many_who_claim_at_once_one_gets_it(path):
    processes = [claim_elsewhere(path) for _ in range(4)]
    for process, _ in processes:
        process.kill()
        process.communicate()
    assert sorted(said for _, said in processes) == ["claimed", *["refused"] * 3]


def test_a_killed_process_loses_it_at_once(path):
    process, said = claim_elsewhere(path)
    assert said == "claimed"
    assert Claims(10.0).claim(path) is None
    process.kill()
    process.communicate()
    with Claims(10.0).claim(path) as lease:
        assert lease is not None


def test_who_is_silent_for_long_loses_it_whatever_the_clocks_say(path, monkeypatch):
    now = 1000.0
    clock = SimpleNamespace(monotonic=lambda: now)  # a busy machine may stop for any time
    monkeypatch.setattr("vs_gendrpix.job.segments.lease.time", clock)
    from_another_machine(path)
    ahead = time.time() + 600
    os.utime(path, (ahead, ahead))  # a clock ten minutes ahead
    claims = Claims(BEAT)
    assert claims.claim(path) is None
    now += MISSED * BEAT / 2
    os.utime(path, (ahead - 1200, ahead - 1200))  # a sign of life, by a clock ten minutes behind
    assert claims.claim(path) is None
    now += MISSED * BEAT * 0.9
    assert claims.claim(path) is None
    now += MISSED * BEAT
    with claims.claim(path) as lease:
        assert lease is not None


@pytest.mark.slow
def test_it_is_kept_alive_while_the_work_goes_on(path):
    with Claims(BEAT).claim(path):
        before = path.stat().st_mtime_ns
        watching = Claims(BEAT)
        for _ in range(3 * MISSED):
            time.sleep(BEAT)
            assert watching.claim(path) is None
        assert path.stat().st_mtime_ns > before


def test_who_wakes_up_too_late_takes_nothing_from_the_next_one(path):
    late = Claims(BEAT).claim(path)
    path.unlink()  # as another does who takes it over
    with Claims(BEAT).claim(path) as lease:
        assert lease is not None
        late.__exit__(None, None, None)
        assert path.exists()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        Claims(BEAT).claim(Path(tmp_path / "gone" / "00001.lease"))
