"""Run gendrpix-video over folders of clips, and compare outputs with inputs.

    python benchmarks/media.py FOLDER [--only KIND] [further arguments of the command]

Every clip of FOLDER/good, FOLDER/weird and FOLDER/bad goes through the command as a user would give
it, to MP4, or to Matroska where MP4 does not take its sound. Both files are then read with PyAV
alone. Twice: whole clips with `--strength 0`, which leaves out the network's share of a frame and
nothing else, and the first second of the good clips with the network. Where the ffprobe program is
there, it reads both files too: frames, size, shape, rotation, colour, grading, sound. The tables go
to docs/results/media-results.md, the figures to benchmarks/results/media.json.
"""

import argparse
import io
import json
import tempfile
import time
from contextlib import redirect_stderr
from fractions import Fraction
from pathlib import Path

import av
import second_reader

from vs_gendrpix.cli.video import main as gendrpix_video

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "media.json"
KINDS = ("good", "weird", "bad")
MARGIN = 3
"""Seconds that sound may lie behind the pictures of its time in a file."""
MATROSKA = {".webm", ".mkv", ".flv", ".wmv", ".mxf", ".mpg", ".ts"}
"""Inputs whose sound MP4 does not take as it is."""

HEAD = """\
# Clips through gendrpix-video

Made by `python benchmarks/media.py FOLDER`. No row has a traceback, and no run left a file behind
beside its output.

- **In** and **out** are frames. Frames in are those that decode. Interlaced clips become a frame
  for each field.
- **Times** are equal when every frame has the tick it had: in MP4 exactly, in Matroska within its
  grid of milliseconds. For interlaced clips every second frame must have that tick.
- **Sound** is equal when each copied stream has the bytes it had.
- **The second reader** is FFmpeg's ffprobe. "Same" means as many frames, of the same size, pixel
  aspect ratio, rotation, colour tags and grading, and the same chapters and codecs of sound. A side
  that was odd may differ. Anything else that differs is named.

Two differences are ffprobe's. Debian's version 5.1 takes 24 bits of PCM in MP4 for 16, which PyAV
and the bytes contradict. Of an H.264 stream that ends in damage it gives one picture more. libav
loses the last picture that waits to be shown when several threads decode. Several threads tell more
of the damage otherwise.

Generated clips are another command: `python -m benchmarks.media_matrix`. It puts 360 combinations
through the same: codecs, pixel formats, containers, colours, timings, further streams and targets.
It compares colours with a reference of its own (benchmarks/results/media_matrix.json).
"""
TESTS = {
    "anamorphic_352x288_sar64-45.mpg": "MPEG-1 in a program stream, samples that are not square",
    "av1_10bit_filmgrain_352x288.mkv": "AV1 of 10 bits with synthesised grain, no rate",
    "cfhd_odd_dims.mov": "CineForm, 4:2:2, an odd height, an uneven rate",
    "data_streams_480x320.mp4": "streams of data beside the sound",
    "empty_edit_5s.mp4": "an edit list that begins with 5 s of nothing; 4:4:4",
    "fragmented.mp4": "a fragmented MP4",
    "h264_10bit.mp4": "H.264 of 10 bits",
    "hdr10_prores_proxy_422_2audio.mov": "HDR10: PQ, BT.2020, mastering data; two streams of sound",
    "hlg_1920x1080_hevc10.mp4": "HLG, BT.2020, HEVC of 10 bits",
    "interlaced_fieldpics_720x576.ts": "fields coded as pictures",
    "interlaced_real_352x288_mpeg2.ts": "interlaced broadcast, wrapped times",
    "interlaced_real_720x480_film.ts": "telecine, sound of a DVD",
    "iphone_ios9_rot90.mov": "rotation, data streams of a phone",
    "jpeg2000_rgba.mov": "RGB with alpha",
    "mdat_too_long.mp4": "a size in the file that is wrong",
    "multi_stream_nasa.mp4": "two videos, two sounds, subtitles",
    "neg_first_pts.mov": "times that begin before 0",
    "no_duration_vfr_1280x720.webm": "varying rate, no duration",
    "odd_293x178_svq1.mov": "an odd width, 4:1:0",
    "phone_rot90_vfr_352x288.mp4": "varying rate and rotation",
    "prores_422hq_320x240_10bit.mov": "ProRes HQ",
    "res_change_9sizes_vp8.webm": "nine sizes in one stream",
    "res_change_raw.h264": "a raw stream, no times, two sizes",
    "sideways_rot90_640x480.mov": "rotation, an uneven rate",
    "subtitles_2tracks_640x480_vfr.m4v": "two streams of subtitles, varying rate",
    "subtitles_srt_1080x720.mkv": "SubRip in Matroska",
    "tiny_10x66_vp9.webm": "smaller than encoders take",
    "vali_rot90.mp4": "rotation",
    "vfr_screen_1920x1080_srgb_trc.mp4": "a screen: varying rate, sRGB's curve, times twice",
    "vp8_alpha.webm": "alpha in a second layer",
    "vp9_422_12bit_160x90.webm": "4:2:2 of 12 bits",
    "xavc_422_10bit_4audio.mxf": "MXF, interlaced 4:2:2, four mono sounds, a damaged start",
}
"""Purpose of each of the weird clips."""
PASSES = (
    (
        "Whole clips, without the network's share (`-s 1 --strength 0`)",
        KINDS,
        None,
        ("--strength", "0"),
    ),
    ("The first second of the good clips, with the default model (`-s 1`)", KINDS[:1], "1", ()),
)
"""Title, folders, seconds of each clip and arguments of each pass."""


def read_clip(path: Path, end: Fraction | None) -> dict[str, list[object]]:
    """Read a file up to a time: the times of decoded frames, and the sound packets.

    Args:
        path: The file.
        end: Seconds from its beginning at which to stop; None reads it all.
    """
    found: dict[str, list[object]] = {"times": [], "sound": []}
    pictures: list[int | None] = []
    with av.open(f"file:{path}") as clip:
        video = clip.streams.best("video")
        video.thread_type = "AUTO"
        begin = Fraction(clip.start_time or 0, av.time_base)
        for packet in clip.demux():
            unit = Fraction(packet.time_base.numerator, packet.time_base.denominator)
            if end is not None and (packet.dts or 0) * unit - begin > end + MARGIN:
                break
            kept = end is None or (packet.pts or 0) * unit - begin < end
            if packet.stream.type == "audio" and packet.size and kept:
                found["sound"].append((packet.stream_index, bytes(packet)))
            if packet.stream_index == video.index and packet.size:
                pictures += decode(video, packet)
        pictures += decode(video, None)
        unit = Fraction(video.time_base.numerator, video.time_base.denominator)
    times = [None if pts is None else pts * unit for pts in pictures]
    found["times"] = [t for t in times if end is None or t is None or t - begin < end]
    return found


def decode(video: av.VideoStream, packet: av.Packet | None) -> list[int | None]:
    """Decode a packet to the times of its pictures. None gives the decoder's last ones."""
    try:
        return [picture.pts for picture in video.codec_context.decode(packet)]
    except av.FFmpegError:
        return []


def compare(source: Path, output: Path, end: Fraction | None) -> dict[str, object]:
    """Compare an output with its input: frames, times, sound."""
    was, now = read_clip(source, end), read_clip(output, None)
    shift = min((t for t in was["times"] if t is not None), default=Fraction(0))
    shift = shift if shift < 0 else Fraction(0)  # a clip that begins before 0 is moved to 0
    tick = Fraction(1, 1000) if output.suffix == ".mkv" else Fraction(0)
    step = 2 if len(now["times"]) == 2 * len(was["times"]) else 1  # fields have become frames
    found = now["times"][::step]
    pairs = zip(was["times"], found, strict=False)
    exact = len(was["times"]) == len(found) and all(
        a is not None and abs(a - shift - b) <= tick / 2 for a, b in pairs
    )
    before, after = streams_of(was["sound"]), streams_of(now["sound"])
    return {
        "frames_in": len(was["times"]),
        "frames_out": len(now["times"]),
        "times_equal": exact,
        "sound_streams": len(before),
        "sound_copied": len(after),
        "sound_equal": all(sound in before for sound in after),
    }


def streams_of(sound: list[tuple[int, bytes]]) -> list[bytes]:
    """Join the bytes of each sound stream, as muxers may cut raw sound into other packets."""
    joined: dict[int, bytearray] = {}
    for index, data in sound:
        joined.setdefault(index, bytearray()).extend(data)
    return [bytes(data) for data in joined.values()]


def run_clip(
    source: Path, folder: Path, seconds: str | None, further: list[str]
) -> dict[str, object]:
    """Restore one clip; returns its row of the table."""
    suffix = ".mkv" if source.suffix in MATROSKA else ".mp4"
    output = folder / f"{source.stem}{suffix}"
    command = [str(source), str(output), "-s", "1", "--preset", "ultrafast", *further]
    command += ["--progress", "none", *(["--end", seconds] if seconds else [])]
    began, errors = time.monotonic(), io.StringIO()
    with redirect_stderr(errors):
        code = gendrpix_video(command)
    said = [line.removeprefix("gendrpix-video: ") for line in errors.getvalue().splitlines()]
    row: dict[str, object] = {
        "clip": f"{source.parent.name}/{source.name}",
        "exit": code,
        "seconds": round(time.monotonic() - began, 1),
        "said": [line.replace(str(source.parents[1]), "..") for line in said],
        "published": output.exists(),
    }
    if output.exists():
        row |= compare(source, output, Fraction(seconds) if seconds else None)
        if second_reader.available() and not seconds:
            row["second_reader"] = second_reader.differences(source, output)
        output.unlink()
    row["left_behind"] = sorted(path.name for path in folder.iterdir())
    return row


def table(rows: list[dict[str, object]]) -> str:
    """Write the rows in Markdown."""
    lines = [
        "| clip | exit | in | out | times equal | sound equal | second reader | said |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        said = "; ".join(row["said"]).replace("|", "\\|")
        if row["published"]:
            sound = f"{row['sound_copied']} of {row['sound_streams']}"
            sound = "none" if not row["sound_streams"] else sound
            sound += "" if row["sound_equal"] else ", DIFFERENT"
            times = "yes" if row["times_equal"] else "no"
            second = "; ".join(row["second_reader"]) or "same" if "second_reader" in row else ""
            figures = f"{row['frames_in']} | {row['frames_out']} | {times} | {sound} | {second}"
        else:
            figures = " | | | |"
        name = row["clip"]
        what = TESTS.get(name.removeprefix("weird/"))
        name += f" ({what})" if what else ""
        lines.append(f"| {name} | {row['exit']} | {figures} | {said} |")
    return "\n".join(lines) + "\n"


def write(results: dict[str, list[dict[str, object]]]) -> None:
    """Write the tables and the figures."""
    parts = [HEAD, *(f"## {title}\n\n{table(rows)}" for title, rows in results.items())]
    (ROOT / "docs" / "results" / "media-results.md").write_text("\n".join(parts))
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def main() -> None:
    """Run the clips and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="holds good/, weird/ and bad/")
    parser.add_argument("--only", choices=KINDS, help="run these, and keep the rows of the others")
    options, further = parser.parse_known_args()
    results = json.loads(RESULTS.read_text()) if options.only else {}
    for title, kinds, seconds, arguments in PASSES:
        rows = {row["clip"]: row for row in results.get(title, [])}
        chosen = [kind for kind in kinds if options.only in {None, kind}]
        clips = [clip for kind in chosen for clip in sorted((options.folder / kind).iterdir())]
        with tempfile.TemporaryDirectory() as folder:
            for clip in filter(Path.is_file, clips):
                row = run_clip(clip, Path(folder), seconds, [*arguments, *further])
                rows[row["clip"]] = row
                print(table([row]).splitlines()[-1], flush=True)
                results[title] = list(rows.values())
                write(results)


if __name__ == "__main__":
    main()
