"""Measure what an index in the job's folder saves the workers of a long film.

    python -m benchmarks.index CLIP [--copies N] [--out FILE]

The film is the packets of a clip again and again, in Matroska. The table has seconds of a core: to
read all its packets, to write the index as text, and to take it from there. JSON goes to
benchmarks/results/index.json (--out).
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import av

from vs_gendrpix.read.timing import index
from vs_gendrpix.read.timing.index_text import kept_index, know_index
from vs_gendrpix.settings import ReadSettings

HERE = Path(__file__).parent
FORM = "matroska,webm"


def make_long(clip: Path, path: Path, copies: int) -> None:
    """Write the packets of a clip's video again and again."""
    with av.open(str(clip)) as given, av.open(str(path), "w") as output:
        video = given.streams.video[0]
        stream = output.add_stream_from_template(video)
        packets = [packet for packet in given.demux(video) if packet.size]
        shown = [packet.pts or 0 for packet in packets]
        lasts = max(shown) - min(shown) + (packets[0].duration or 0)
        for number in range(copies):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts = (packet.pts or 0) + number * lasts
                copy.dts = (packet.dts or 0) + number * lasts
                copy.duration, copy.time_base = packet.duration, packet.time_base
                copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                output.mux(copy)


def main() -> None:
    """Measure, print and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--copies", type=int, default=240)
    parser.add_argument("--out", type=Path, default=HERE / "results" / "index.json")
    chosen, read = parser.parse_args(), ReadSettings()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.mkv"
        make_long(chosen.clip, path, chosen.copies)
        moments = [time.process_time()]
        found = index.index_of(path, read, FORM)
        moments.append(time.process_time())
        text = kept_index(path, read) or ""
        moments.append(time.process_time())
        know_index(path, text)
        moments.append(time.process_time())
        record = {
            "date": datetime.now(UTC).date().isoformat(),
            "frames": len(found.times) if found else 0,
            "bytes": path.stat().st_size,
            "bytes of text": len(text),
            "read, seconds": moments[1] - moments[0],
            "written, seconds": moments[2] - moments[1],
            "taken, seconds": moments[3] - moments[2],
        }
    print(json.dumps(record, indent=2))
    chosen.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
