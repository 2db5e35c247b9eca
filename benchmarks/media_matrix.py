"""Put hundreds of generated clips through `process` and check all that must be kept.

    python -m benchmarks.media_matrix [--cases N]

A case is a source (codec, pixel format, container), a colour description, a timing, streams beside
the picture, and a target. Cases are drawn so that pairs of choices meet as early as can be.
At strength 0 the way of a frame is colour arithmetic alone: the codes of flat patches must lie
within 1 of a reference in float64 that shares no code with the package, and a ramp of chroma must
not be shifted. The number of frames, their times, sound and subtitles by hash, chapters,
attachments and tags are compared as PyAV reads them. Encoders that lose something may be 2 codes of
8 bits off. Prints what fails; the figures go to
benchmarks/results/media_matrix.json.
"""

import argparse
import hashlib
import json
import tempfile
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.colour_reference import (
    Meaning,
    Planes,
    depth,
    expected,
    family,
    planes_of,
    subsampling,
)
from benchmarks.matrix_cases import COLORS, Case, draw, pairs
from benchmarks.matrix_clips import looked_at, write_clip
from vs_gendrpix import (
    EncodeSettings,
    FinishSettings,
    ProcessSettings,
    RestoreSettings,
    WriteSettings,
    process,
)

ROOT = Path(__file__).parents[1]
OWN_NAME = ("deu", "ger")
"""QuickTime has names of its own for languages."""


@dataclass
class Contents:
    """The contents of a file, as PyAV reads it."""

    times: list[Fraction]
    pictures: list[tuple[Meaning, Planes]]
    sides: dict[str, list[str]]
    chapters: list[tuple[str, Fraction]]


def read(path: Path) -> Contents:
    """Read the video's times, first and last picture, and hashes of everything beside it."""
    sides: dict[str, list[str]] = {}
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        decoded = list(clip.decode(video))
        unit = Fraction(str(video.time_base))
        times = [picture.pts * unit for picture in decoded]
        pictures = [
            (Meaning.of(picture), planes_of(picture)) for picture in (decoded[0], decoded[-1])
        ]
        chapters = clip.chapters()
        for stream in clip.streams:
            if stream.type == "attachment":
                sides["attachment"] = [hashlib.sha256(stream.data).hexdigest()]
    starts = [
        (part["metadata"].get("title", ""), part["start"] * Fraction(str(part["time_base"])))
        for part in chapters
    ]
    with av.open(str(path)) as clip:
        for packet in clip.demux():
            data = bytes(packet)
            if packet.stream.type in {"audio", "subtitle"} and packet.size and data != b"\0\0":
                language = packet.stream.metadata.get("language", "und")
                key = f"{packet.stream.type} {language}"
                sides.setdefault(key, []).append(hashlib.sha256(data).hexdigest())
    return Contents(times, pictures, sides, starts)


def wanted_meaning(case: Case, source: Meaning, found: Meaning) -> Meaning:
    """List the colour tags that the output must have."""
    into, out_of = family(case.target.pix_fmt), family(source.pix_fmt)
    number, transfer = {"bt709": (1, 1), "bt2020": (9, 14)}.get(
        case.out_color, (None, source.transfer)
    )
    if source.transfer not in {1, 2, 6, 14, 15}:
        transfer = source.transfer
    primaries = number or source.primaries
    usual = 9 if primaries == 9 else 1
    matrix = number or (usual if out_of == "rgb" else source.matrix)
    full = source.full
    if "rgb" in {into, out_of}:
        full = into == "rgb"
        matrix = 0 if into == "rgb" else matrix
    location = 3 if source.location == 3 and out_of != "rgb" else 1
    if primaries == 2 and into != "rgb":  # RGB that says nothing
        primaries, transfer = 1, 1
    # Without rows to lie between, H.264 has left for top left.
    subsampled = subsampling(case.target.pix_fmt)[1] > 1 and into == "yuv"
    if case.target.encoder == "prores_ks":  # which has no place for either
        full = False
    if case.target.encoder == "libvpx-vp9":
        location = 1
    return Meaning(
        found.pix_fmt,
        matrix,
        primaries,
        transfer,
        full,
        location if subsampled and found.location else found.location,
    )


def check(case: Case, folder: Path) -> list[str]:
    """List the faults of a case's output."""
    source = folder / f"in.{case.source.suffix}"
    output = folder / f"out.{case.target.suffix}"
    write_clip(case, source)
    encode = EncodeSettings(
        encoder=case.target.encoder, pix_fmt=case.target.pix_fmt, options=case.target.options
    )
    restore = RestoreSettings(scale=case.scale, strength=0, device="cpu", dtype="fp32")
    settings = ProcessSettings(
        restore=restore,
        finish=FinishSettings(out_color=case.out_color),
        write=WriteSettings(encode=encode, overwrite=True),
    )
    report = process(source, output, settings)
    was, now = read(source), read(output)
    faults = [f"warned: {warning}" for warning in report.warnings]
    faults += [f"exit code {report.exit_code}"] if report.exit_code else []
    faults += times_faults(was.times, now.times, grid=case.target.suffix == "mkv")
    shift = min(was.times[0], Fraction(0))
    chapters = [(title, max(start - shift, Fraction(0))) for title, start in was.chapters]
    if case.target.suffix != "mkv" and chapters:  # there the first one begins with the file
        chapters[0] = (chapters[0][0], Fraction(0))
    faults += [] if now.chapters == chapters else [f"chapters {now.chapters}, not {chapters}"]
    faults += [
        f"{name} {'differ' if name in now.sides else 'are gone'}"
        for name, hashes in was.sides.items()
        if now.sides.get(name.replace(*OWN_NAME) if case.target.suffix == "mov" else name) != hashes
    ]
    for (before, planes), (after, found) in zip(was.pictures, now.pictures, strict=True):
        wanted = wanted_meaning(case, before, after)
        said = after
        if case.target.pix_fmt == "gray":  # H.264 says no matrix where there is no chroma
            said = replace(said, matrix=wanted.matrix)
        if case.target.pix_fmt == "gray" and COLORS[case.color][1] == 2:
            said = replace(said, primaries=wanted.primaries, transfer=wanted.transfer)
        if said != wanted:
            faults.append(f"tags {said}, not {wanted}")
        codes = expected(planes, before, wanted, case.scale)
        if family(case.target.pix_fmt) == "gray":  # which H.264 decodes with chroma of its own
            codes = codes[:1]
        faults += colour_faults(codes, found, wanted, case)
    return faults


def times_faults(was: list[Fraction], now: list[Fraction], *, grid: bool) -> list[str]:
    """List frames that are missing or moved. Matroska counts in milliseconds."""
    if len(was) != len(now):
        return [f"{len(was)} frames became {len(now)}"]
    shift = min(was[0], Fraction(0))  # a clip that begins before 0 is moved to 0
    slack = Fraction(1, 2000) if grid else Fraction(0)
    worst = max(abs(a - shift - b) for a, b in zip(was, now, strict=True))
    return [f"a frame is {float(worst):g} s from its time"] if worst > slack else []


def colour_faults(codes: Planes, found: Planes, target: Meaning, case: Case) -> list[str]:
    """List patches that are a code off, and ramps that are shifted."""
    faults = []
    byte = 2 ** (depth(target.pix_fmt) - 8)
    unit = 1 if case.target.lossless else 2 * byte
    for name, (rows, columns) in looked_at(case.scale).items():
        for index, (wanted, plane) in enumerate(zip(codes, found, strict=False)):
            step_x, step_y = subsampling(target.pix_fmt) if index else (1, 1)
            place = np.s_[
                -(-rows.start // step_y) : rows.stop // step_y,
                -(-columns.start // step_x) : columns.stop // step_x,
            ]
            error = plane[place].astype(float) - wanted[place]
            if name != "ramp" and np.abs(error).max() > unit + byte / 1000:
                faults.append(f"plane {index} of {name} is off by {np.abs(error).max():.2f}")
            # Half a chroma sample is 0.6 codes of 8 bits here, and more for coarser chroma.
            slack = 0.3 if case.target.lossless else 0.5
            if name == "ramp" and index and abs(error.mean()) > slack * byte:
                faults.append(f"plane {index} of the ramp is shifted by {error.mean():.2f} codes")
    return faults


def main() -> None:
    """Run all cases, print what fails, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--cases", type=int, default=360)
    count = parser.parse_args().cases
    began, failed = time.monotonic(), {}
    cases = draw(count)
    for number, case in enumerate(cases):
        with tempfile.TemporaryDirectory() as folder:
            try:
                faults = check(case, Path(folder))
            except Exception as error:  # noqa: BLE001 - one case must not end the others
                faults = [f"{type(error).__name__}: {error}"]
        if faults:
            failed[str(case)] = faults
            print(f"{number}: {case}", *(f"    {fault}" for fault in faults), sep="\n", flush=True)
    seconds = time.monotonic() - began
    covered = len(set().union(*map(pairs, cases)))
    print(f"{count - len(failed)} of {count} cases are right, in {seconds:.0f} s")
    path = ROOT / "benchmarks" / "results" / "media_matrix.json"
    figures = {"cases": count, "pairs": covered, "failed": failed, "seconds": round(seconds)}
    path.write_text(json.dumps(figures | {"drawn": [str(case) for case in cases]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
