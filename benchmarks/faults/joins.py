"""Files whose clock starts again: are the pictures even, and is the sound beside them?

    python -m benchmarks.faults.joins [--count N] [--out JSON]

Four parts of 0.7 s with B-frames and sound, of four containers, two rates and five kinds of clocks:
one that starts at the same time again, goes back, jumps on, does both, or wraps.
"""

import argparse
import tempfile
from fractions import Fraction
from itertools import islice, product
from pathlib import Path

from benchmarks.faults.figures import write_figures
from benchmarks.faults.side_runs import run
from tests.clips import read
from tests.joined import COUNT, KINDS, STARTS, make_joined, steps, worst_sound

RATES = (Fraction(25), Fraction(24000, 1001))


def main() -> None:
    """Try all and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, help="how many to try; all by default")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for suffix, clock, rate in islice(product(KINDS, STARTS, RATES), options.count):
            path, output = Path(name) / f"in{suffix}", Path(name) / "out.mov"
            parts = make_joined(path, STARTS[clock], rate=rate)
            code, _ = run(path, output)
            found = read(output)
            late, _ = worst_sound(parts, found, rate=rate)
            even = len(found.times) == 4 * COUNT and len(steps(found.times)) == 1
            rows.append(
                {"container": suffix, "clock": clock, "rate": str(rate), "exit": code}
                | {"even": even, "sound": round(float(late), 4)}
            )
            output.unlink()
    good = sum(row["even"] and row["exit"] == 0 for row in rows)
    worst = max(row["sound"] for row in rows)
    write_figures("joins", {"good": good, "files": len(rows), "rows": rows}, options.out)
    print(f"{good} of {len(rows)} even and in 0; sound at most {1000 * worst:.1f} ms off")


if __name__ == "__main__":
    main()
