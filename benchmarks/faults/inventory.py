"""Odd clips: is everything beside the picture kept or named, by a reader that is not libav's?

    python -m benchmarks.faults.inventory [--out JSON]

Needs MediaInfo (`pip install pymediainfo`) and the clips beside the checkout. Of each clip the
first half second becomes a .mkv and an .mp4. What MediaInfo says of sound, texts, chapters, title,
rotation, shape, attachments and languages of both must agree, or a warning must name it; a clip
that is refused in one line counts as named. MediaInfo reads no rotation of Matroska: there
`benchmarks.faults.matrices` looks.
"""

import argparse
import tempfile
from fractions import Fraction
from pathlib import Path

from pymediainfo import MediaInfo, Track

from benchmarks.faults.figures import write_figures
from benchmarks.faults.side_runs import run

CLIPS = Path(__file__).parents[3] / "shared" / "data" / "video"
FOLDERS = ("weird", "reports")
SUFFIXES = ("mkv", "mp4")
LENGTH = Fraction(1, 2)
SHAPE = 0.01
"""Largest allowed relative difference of a display aspect ratio: a picture has whole pixels."""

WORDS = {
    "audio": ("audio stream",),
    "text": ("subtitle stream", "closed captions"),
    "title": ("the tag title",),
    "languages": ("audio stream", "subtitle stream", "language"),
    "rotation": ("rotation",),
    "shape": ("pixel aspect ratio", "stereoscopy"),  # the shape of one view, or of both
    "chapters": ("chapter",),
    "attachments": ("attachment", "cover"),
}
"""Words by which a warning names each fact that differs."""


def facts(path: Path) -> dict[str, object]:
    """Read MediaInfo's facts about a file."""
    tracks = MediaInfo.parse(path).tracks
    kinds = [track.track_type for track in tracks]
    general = tracks[0]
    video = next(track for track in tracks if track.track_type == "Video")
    sides = [track for track in tracks if track.track_type in {"Audio", "Text"}]
    return {
        "audio": kinds.count("Audio"),
        "text": kinds.count("Text"),
        # A transport stream's menu is its list of programmes; MP4 may say its chapters twice.
        "chapters": max((chapters(t) for t in tracks if t.track_type == "Menu"), default=0),
        "title": sorted(set((general.title or "").split(" / "))),
        "attachments": len((general.attachments or "").split(" / ")) if general.attachments else 0,
        "languages": sorted(track.language or "" for track in sides),
        "rotation": float(video.rotation or 0) % 360,
        "shape": float(video.display_aspect_ratio),
    }


def chapters(menu: Track) -> int:
    """Count the chapters of a menu."""
    return int(menu.chapters_pos_end or 0) - int(menu.chapters_pos_begin or 0)


def unnamed(was: dict[str, object], now: dict[str, object], said: str, suffix: str) -> list[str]:
    """List the facts that differ and that no warning names."""
    lost = []
    for name, value in was.items():
        same = value == now[name]
        if name == "shape":
            same = abs(float(str(value)) / float(str(now[name])) - 1) < SHAPE
        same = same or (name == "rotation" and suffix == "mkv")
        if not same and not any(word in said for word in WORDS[name]):
            lost.append(f"{name} {value} became {now[name]}")
    return lost


def main() -> None:
    """Try all and print the line of the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args()
    rows = []
    paths = [path for folder in FOLDERS for path in sorted((CLIPS / folder).iterdir())]
    with tempfile.TemporaryDirectory() as name:
        for path in paths:
            for suffix in SUFFIXES:
                output = Path(name) / f"out.{suffix}"
                code, said = run(path, output, LENGTH)
                done = code in {0, 1}
                lost = unnamed(facts(path), facts(output), " ".join(said), suffix) if done else []
                good = (done or code == 3) and not lost
                rows.append({"clip": path.name, "container": suffix, "exit": code, "good": good})
                if not good:
                    print(f"{path.name} {suffix}: exit {code}: {lost or said}")
    good = sum(bool(row["good"]) for row in rows)
    write_figures("inventory", {"good": good, "runs": len(rows), "rows": rows}, options.out)
    print(f"{good} of {len(rows)}")


if __name__ == "__main__":
    main()
