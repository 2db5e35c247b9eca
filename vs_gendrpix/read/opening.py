"""Open a media file for reading: local, a real video, within limits; libav's lines kept for us."""

from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from vs_gendrpix.errors import MediaError, SettingsError
from vs_gendrpix.frame.clip import PICTURE_RATE
from vs_gendrpix.frame.sequence import Sequence, find_sequence
from vs_gendrpix.libav.faults import reading
from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.libav.values import is_cover
from vs_gendrpix.read.lists import media_formats, refuse_lists
from vs_gendrpix.read.look.scans import Scan
from vs_gendrpix.read.pipe import standard_input
from vs_gendrpix.settings import ReadSettings

MAX_PIXELS = 4 * 8192 * 4320
"""The largest picture that we decode: larger ones are bombs far more often than film."""

STDIN = Path("-")
"""The path that stands for the standard input."""

_BUFFER = 1 << 20
"""Bytes that a pipe is asked for at a time: each time takes Python's lock."""


def open_input(
    path: Path, chosen: ReadSettings | None = None, *, reopened: bool = False
) -> InputContainer:
    """Open what libav can read: a regular file, numbered pictures, or the standard input.

    Args:
        path: The file; never read as an address or a list of files, whatever its name looks like.
            A pattern or a folder of pictures, see `find_sequence`; or `STDIN`.
        chosen: How to read it; None reads what says all by itself.
        reopened: Whether the standard input will be opened once more, at the same place.

    Raises:
        MediaError: There is no such input, or it is empty, or no media.
        SettingsError: A choice does not fit this input.
    """
    chosen = chosen or ReadSettings()
    sequence = None if path == STDIN else _checked(path, chosen.start_number)
    url, form = f"file:{path}", None
    options = {"protocol_whitelist": "file", "format_whitelist": media_formats()}
    options |= {"max_pixels": str(MAX_PIXELS)}
    scan = Scan.of(path, sequence)
    stated = Fraction(0) if scan is None else scan.rate
    rate = chosen.rate or stated or PICTURE_RATE
    if sequence is not None:
        url, form = f"file:{sequence.names.pattern()}", "image2"
        options |= {"framerate": str(rate), "start_number": str(sequence.first)}
        options |= {"pattern_type": "sequence"}
    elif chosen.raw is not None:
        width, height, pix_fmt = chosen.raw
        form = "rawvideo"
        options |= {"framerate": str(rate), "video_size": f"{width}x{height}"}
        options |= {"pixel_format": pix_fmt}
    elif stated:  # a single picture
        options |= {"framerate": str(stated)}
    _check_choice(path, chosen, sequence)
    try:
        file = standard_input(keeps=reopened) if path == STDIN else url
        container = av.open(file, "r", format=form, options=options, buffer_size=_BUFFER)
    except PermissionError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    except av.FFmpegError as error:
        raise MediaError(
            f"cannot read {path}: {error.strerror}; it is not a video, or broken or encrypted"
        ) from error
    return container


def has_video(path: Path) -> bool:
    """Tell whether a file opens as moving pictures; a still, a cover or sound alone are none."""
    try:
        with LibavLog(this_thread=True), reading(path), open_input(path) as container:
            main_video(container, path)
            return not container.format.name.endswith("_pipe")  # libav's demuxers of stills
    except MediaError:
        return False


def _checked(path: Path, start_number: int | None) -> Sequence | None:
    """Check that the input exists: numbered pictures, or a file that is not empty."""
    try:
        sequence = find_sequence(path, start_number)
        if sequence is None:
            _check_file(path)
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    return sequence


def _check_file(path: Path) -> None:
    """Refuse anything but a regular file that is not empty."""
    if not path.exists():
        raise MediaError(f"there is no file {path}")
    if not path.is_file():
        raise MediaError(f"the input {path} is not a regular file")
    if not path.stat().st_size:
        raise MediaError(f"the input {path} is empty")
    refuse_lists(path)


def _check_choice(path: Path, chosen: ReadSettings, sequence: Sequence | None) -> None:
    """Refuse settings that would be ignored for this input, or that libav calls only "invalid"."""
    if chosen.rate is not None and sequence is None and chosen.raw is None:
        raise SettingsError(f"a rate is for pictures and raw video: {path} says its own")
    if chosen.start_number is not None and sequence is None:
        raise SettingsError(f"a start number is for a sequence of pictures, which {path} is not")
    if chosen.raw is None:
        return
    width, height, pix_fmt = chosen.raw
    if sequence is not None:
        raise SettingsError(f"the pictures {path} say their own format: they are not raw")
    if not 0 < width * height <= MAX_PIXELS:
        raise SettingsError(f"raw pictures of {width}x{height} are out of range")
    try:
        av.VideoFormat(pix_fmt, width, height)
    except ValueError as error:
        raise SettingsError(f"there is no pixel format {pix_fmt!r}: try yuv420p") from error


def main_video(container: InputContainer, path: Path, number: int | None = None) -> VideoStream:
    """Choose the video stream that a player would show, or the stream of a number.

    Args:
        container: The opened input.
        path: Its name, for messages.
        number: Which one, counted from 0 among the video streams.

    Raises:
        MediaError: There is none but cover art, no decoder for it, or its pictures are too large.
        SettingsError: There is none of this number.
    """
    stream = container.streams.best("video")
    if number is not None:
        videos = [video for video in container.streams.video if not is_cover(video)]
        if number >= len(videos):
            last = (
                "none"
                if not videos
                else "only 0"
                if len(videos) == 1
                else f"0 to {len(videos) - 1}"
            )
            raise SettingsError(f"the input {path} has no video stream {number}, {last}")
        stream = videos[number]
    if not isinstance(stream, VideoStream) or is_cover(stream):
        kinds = " and ".join(sorted({other.type for other in container.streams}))
        raise MediaError(f"the input {path} has no video, only {kinds or 'nothing'}")
    if stream.codec_context is None:
        raise MediaError(f"the input {path} has a video codec that no decoder here knows")
    if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
        raise MediaError(
            f"the input {path} has pictures of {stream.codec_context.width}x"
            f"{stream.codec_context.height} pixels: at most {MAX_PIXELS} are decoded"
        )
    stream.thread_type = "AUTO"  # frame threads: faster, and they report more damage than slices
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream
