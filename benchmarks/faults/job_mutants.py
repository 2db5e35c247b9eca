"""The durable steps and checks of jobs, each taken away: do the tests or the benchmarks notice?

    python -m benchmarks.faults.job_mutants [--out JSON]

Each mutant is a copy of the sources with one text replaced. It is found if what is named beside it
fails: some tests, or `benchmarks.faults.resumes` with power cuts.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faults.figures import write_figures

ROOT = Path(__file__).parents[2]
COPIED = ("vs_gendrpix", "benchmarks", "tests", "samples", "pyproject.toml")

POWER = ("benchmarks.faults.resumes", "--count", "0", "--power", "--first")
SEGMENTS = "tests/job/segments"
LEASE = ("pytest", "-q", "-x", "-m", "not slow", f"{SEGMENTS}/test_lease.py")
JOBS = ("pytest", "-q", "-x", f"{SEGMENTS}/test_faults.py", f"{SEGMENTS}/test_work.py")

TOO_LONG = 1200
"""Seconds after which a finder counts as hanging. None needs that long without a mutant."""

SEGMENTS, WRITE = Path("vs_gendrpix/segments"), Path("vs_gendrpix/write")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of the sources.

    Attributes:
        file: The file.
        old: The text that is replaced; it occurs once.
        new: What is in its place.
        finder: The module, with its arguments, that must fail.
    """

    file: Path
    old: str
    new: str
    finder: tuple[str, ...]

    def found(self, folder: Path) -> bool:
        """Run the finder on a copy with this change, and tell whether it fails."""
        for name in COPIED:
            path = ROOT / name
            if path.is_dir():
                shutil.copytree(path, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, folder / name)
        text = (folder / self.file).read_text()
        if text.count(self.old) != 1:
            raise SystemExit(f"{self.file} has {self.old!r} {text.count(self.old)} times")
        (folder / self.file).write_text(text.replace(self.old, self.new))
        command = [sys.executable, "-m", *self.finder]
        command += ["--out", os.devnull] if self.finder == POWER else []
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(folder)},
                capture_output=True,
                check=False,
                timeout=TOO_LONG,
            )
        except subprocess.TimeoutExpired:  # such as two who wait for each other
            return True
        return done.returncode == 1


MUTANTS = (
    # The steps that a power cut needs.
    Mutant(SEGMENTS / "folder.py", "    sync(path)\n", "    pass\n", POWER),
    Mutant(SEGMENTS / "folder.py", "                sync(place.path)\n", "", POWER),
    Mutant(
        SEGMENTS / "folder.py",
        '        sync_names(self.path)\n        self.record("finished"',
        '        self.record("finished"',
        POWER,
    ),
    Mutant(WRITE / "publishing.py", "        os.fsync(handle)\n", "        pass\n", POWER),
    Mutant(
        WRITE / "output.py",
        "                link(self.part, self.path)\n"
        "        except OSError as error:\n"
        "            raise _kept(self._place, self.path, error) from error\n"
        "        sync_names(self.path.parent)\n",
        "                link(self.part, self.path)\n"
        "        except OSError as error:\n"
        "            raise _kept(self._place, self.path, error) from error\n",
        POWER,
    ),
    Mutant(WRITE / "part.py", "            os.fsync(self._handle)", "            pass", POWER),
    Mutant(WRITE / "container.py", "        self._output.sync()\n", "", POWER),
    # The steps that a kill needs.
    Mutant(
        SEGMENTS / "folder.py",
        "                self.path.rename(place.path)",
        "                shutil.rmtree(self.path)",
        POWER,
    ),
    Mutant(SEGMENTS / "finish.py", "        self._folder.publishing(self.part)\n", "", JOBS),
    Mutant(SEGMENTS / "process.py", "or differences(folder.plan(), job) or", "or", JOBS),
    # The checks.
    Mutant(
        SEGMENTS / "folder.py",
        "                link(part, path)\n            except FileExistsError:",
        "                part.replace(path)\n            except FileExistsError:",
        JOBS,
    ),
    Mutant(
        SEGMENTS / "finish.py",
        "manifest is not None and _is_whole(folder, manifest)",
        "manifest is not None",
        JOBS,
    ),
    Mutant(SEGMENTS / "process.py", "            _refuse_workers(folder)\n", "", JOBS),
    Mutant(SEGMENTS / "process.py", "        if found and not anew:", "        if False:", JOBS),
    Mutant(
        SEGMENTS / "work.py", "    if Identity.of(job.plan) != job.source:", "    if False:", JOBS
    ),
    Mutant(SEGMENTS / "work.py", "    if missing:", "    if False:", JOBS),
    Mutant(SEGMENTS / "lease.py", "            if self._is_ours():", "            if True:", LEASE),
    Mutant(
        SEGMENTS / "lease.py",
        "                os.utime(self._handle)",
        "                pass",
        LEASE,
    ),
    Mutant(
        WRITE / "part.py", "os.O_CREAT | os.O_EXCL | os.O_RDWR", "os.O_CREAT | os.O_RDWR", LEASE
    ),
    Mutant(
        WRITE / "part.py",
        "        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "        pass",
        LEASE,
    ),
)


def main() -> None:
    """Try all mutants and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    for finder in {mutant.finder for mutant in MUTANTS}:
        with tempfile.TemporaryDirectory() as folder:
            if Mutant(SEGMENTS / "lease.py", "MISSED = 6", "MISSED = 6", finder).found(
                Path(folder)
            ):
                raise SystemExit(f"{finder} fails without a mutant")
    rows = []
    for mutant in MUTANTS:
        with tempfile.TemporaryDirectory() as folder:
            found = mutant.found(Path(folder))
        rows.append({"file": mutant.file.name, "removed": mutant.old.strip(), "found": found})
        print(f"{'found' if found else 'NOT FOUND'}: {mutant.file.name}: {mutant.old.strip()!r}")
    count = sum(bool(row["found"]) for row in rows)
    write_figures("job_mutants", {"found": count, "mutants": len(rows), "rows": rows}, options.out)
    print(f"{count} of {len(rows)}")


if __name__ == "__main__":
    main()
