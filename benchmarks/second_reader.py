"""Compare a clip with its restoration by the ffprobe program, a reader other than PyAV."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from shutil import which

COLOR = ("color_range", "color_space", "color_primaries", "color_transfer")
HDR = ("Mastering display metadata", "Content light level metadata")
UNSAID = {None, "unknown", "reserved", "unspecified", "gbr"}


def available() -> bool:
    """Tell whether the program is installed; Debian's package `ffmpeg` has it."""
    return which("ffprobe") is not None


def differences(source: Path, output: Path) -> list[str]:
    """List the differences of a clip and its restoration at scale 1, except for codec and depth.

    What the source does not say is not compared, and an odd side may lose a pixel or gain one.
    """
    was, now = facts(source), facts(output)
    found = [
        f"{name} {was[name]} became {now.get(name)}"
        for name in was
        if name not in {"width", "height", "hdr"} and was[name] != now.get(name)
    ]
    found += [
        f"{side} {was[side]} became {now[side]}"
        for side in ("width", "height")
        if abs(was[side] - now[side]) > was[side] % 2
    ]
    found += [
        f"{name} {value} became {now['hdr'].get(name)}"
        for name, value in was["hdr"].items()
        if abs(value - now["hdr"].get(name, Fraction(-1))) > Fraction(1, 20_000)
    ]
    return found


def facts(path: Path) -> dict[str, object]:
    """Read frames, size, shape, rotation, colour, grading, sound and subtitles of a file."""
    entries = "stream:stream_tags=language:stream_side_data_list:stream_disposition=attached_pic"
    everything = probe(path, "-count_frames", "-show_entries", entries, "-show_chapters")
    streams = everything["streams"]
    video = max(
        (s for s in streams if s["codec_type"] == "video" and not is_cover(s)),
        key=lambda stream: int(stream.get("width", 0)) * int(stream.get("height", 0)),
    )
    first = probe(
        path,
        *("-select_streams", str(video["index"]), "-read_intervals", "%+#1"),
        *("-show_entries", "frame_side_data"),
    )
    frames = first.get("frames") or [{}]
    side = [*video.get("side_data_list", []), *frames[0].get("side_data_list", [])]
    said = {name: video[name] for name in COLOR if video.get(name) not in UNSAID}
    shape = video.get("sample_aspect_ratio", "1:1")
    return {
        "frames": int(video.get("nb_read_frames", 0)),
        "width": video["width"],
        "height": video["height"],
        "shape of a sample": "1:1" if shape == "0:1" else shape,
        "rotation": next((part["rotation"] for part in side if "rotation" in part), 0),
        **said,
        "chapters": len(everything.get("chapters", [])),
        "sound": [s.get("codec_name", "") for s in streams if s["codec_type"] == "audio"],
        "hdr": {
            f"{part['side_data_type']} {name}": Fraction(str(value))
            for part in side
            if part["side_data_type"] in HDR
            for name, value in part.items()
            if name != "side_data_type"
        },
    }


def is_cover(stream: dict[str, dict[str, int]]) -> bool:
    """Tell whether a stream is cover art."""
    return bool(stream.get("disposition", {}).get("attached_pic"))


def probe(path: Path, *arguments: str) -> dict[str, list[dict[str, object]]]:
    """Run ffprobe, and return its JSON."""
    command = ["ffprobe", "-v", "quiet", *arguments, "-of", "json", f"file:{path}"]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)
