"""Transport streams that have lost a packet of sound: does the run go on, and is it said?

    python -m benchmarks.faults.lost_sound [--out JSON]

Four codecs, three containers, three places: of a clip of half a second one packet of 188 bytes of
its sound is taken away. A run fails if nothing is published or more than a tenth of the sound is
gone. Beside that stands how many end in 0: where a packet of the stream begins with the lost one,
libavformat takes the rest for whole.
"""

import argparse
import tempfile
from pathlib import Path

import av

from benchmarks.faults.figures import write_figures
from benchmarks.faults.side_runs import run
from tests.clips import make_clip
from tests.write.carry.test_faults import without_a_packet

CODECS = ("aac", "mp2", "ac3", "eac3")
SUFFIXES = ("mkv", "mp4", "mov")
PLACES = (0.1, 0.5, 0.9)


def packets(path: Path) -> int:
    """Count the packets of a file's sound."""
    with av.open(str(path)) as clip:
        return sum(1 for packet in clip.demux(audio=0) if packet.size)


def main() -> None:
    """Try all and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "in.ts"
        for codec in CODECS:
            make_clip(path, audio=codec)
            whole = path.read_bytes()
            count = packets(path)
            for place in PLACES:
                path.write_bytes(without_a_packet(whole, place))
                for suffix in SUFFIXES:
                    output = path.with_name(f"out.{suffix}")
                    code, said = run(path, output)
                    good = code in {0, 1} and packets(output) >= 0.9 * count
                    rows.append(
                        {"codec": codec, "place": place, "container": suffix, "exit": code}
                        | {"good": good}
                    )
                    if not good:
                        print(f"{codec} {place} {suffix}: exit {code}: {' '.join(said)}")
                    output.unlink(missing_ok=True)
    failed = sum(not row["good"] for row in rows)
    write_figures("lost_sound", {"failed": failed, "runs": len(rows), "rows": rows}, options.out)
    unsaid = sum(row["exit"] == 0 for row in rows)
    print(f"{failed} of {len(rows)} runs failed; {unsaid} ended in 0")


if __name__ == "__main__":
    main()
