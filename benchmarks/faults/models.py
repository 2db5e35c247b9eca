"""Give hostile model files to the command, and count those that it refuses in time with code 5.

    python -m benchmarks.faults.models [--count N] [--out JSON]

All runs are in one process that has loaded torch, and seconds are those of a core: the time is what
the file costs. Each must end in exit code 5 and one line, within 2 seconds; no code of a pickle may
run, and no control character may reach the terminal.
"""

import argparse
import contextlib
import io
import tempfile
import time
from itertools import islice
from pathlib import Path

from benchmarks.faults.figures import write_figures
from benchmarks.faults.hostile_models import CANARY, make_files
from vs_gendrpix.cli.video import main as gendrpix_video
from vs_gendrpix.models.catalogue import BUILT_IN

CLIP = Path(__file__).parents[2] / "samples" / "telescope.mp4"
SECONDS = 2
CODE = 5


def main() -> None:
    """Try every file and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, help="how many to try; all by default")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with contextlib.chdir(folder):
            _tried(folder, BUILT_IN["tiny"], "warm.mkv")  # loads torch
            files = make_files(folder, BUILT_IN["tiny"]).items()
            rows = [_row(folder, *each) for each in islice(files, options.count)]
    good = sum(row["refused"] for row in rows)
    worst = max(row["seconds"] for row in rows)
    write_figures(
        "hostile_models", {"refused": good, "files": len(rows), "rows": rows}, options.out
    )
    print(f"{good} of {len(rows)} refused with {CODE}; the slowest took {worst:.1f} s of a core")


def _row(folder: Path, name: str, model: Path) -> dict[str, object]:
    """Try one file, and judge it."""
    code, said, seconds = _tried(folder, model, "out.mkv")
    clean = said.count("\n") == 1 and said[:-1].isprintable() and "Traceback" not in said
    ran = (folder / CANARY).exists()
    refused = code == CODE and seconds <= SECONDS and clean and not ran
    if not refused:
        print(f"{name}: exit {code} in {seconds:.1f} s: {said[:300]}")
    return {"name": name, "exit": code, "seconds": round(seconds, 2), "refused": refused}


def _tried(folder: Path, model: Path, output: str) -> tuple[int, str, float]:
    """Run the command with a model; returns its exit code, its messages and the seconds."""
    arguments = [str(CLIP), output, "-m", str(model), "-s", "1", "--end", "0.05"]
    began = time.process_time()
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = gendrpix_video([*arguments, "--progress", "none"])
    seconds = time.process_time() - began
    with contextlib.suppress(FileNotFoundError):
        (folder / output).unlink()
    return code, said.getvalue(), seconds


if __name__ == "__main__":
    main()
