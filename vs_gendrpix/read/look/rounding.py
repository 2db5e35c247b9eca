"""How coarsely a clip was compressed, as far as its decoder tells."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from struct import unpack_from

import av
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.video.stream import VideoStream

from vs_gendrpix.libav.log import LibavLog
from vs_gendrpix.read.opening import main_video, open_input
from vs_gendrpix.settings import ReadSettings

_PLACES, _FRAMES = 3, 12
"""Number of places that are examined, each from a keyframe on, and frames at each."""

_VP9, _H264, _MPEG = range(3)
"""libav's `AVVideoEncParamsType`; what it gives for MPEG-2 it gives for MPEG-1, MPEG-4 and H.263
too, in the same unit."""
_VP9_INDICES = (0, 95, 120, 137, 153, 170, 187, 204, 221, 238, 255)
_VP9_STEPS = (4, 102, 152, 203, 270, 366, 501, 689, 951, 1317, 1828)
"""Some of the steps of section 8.6.1 of VP9's specification, in eighths of a code."""


def rounding(path: Path, chosen: ReadSettings) -> float | None:
    """Find the step by which a codec has rounded a clip's frequencies, in code values of 255.

    It is what a quantiser means, whatever the codec counts in: 9 for H.264's 23, 113 for its 45.
    Where nothing moves a picture is as good as its keyframe, and where all does as the pictures
    behind it: so the geometric mean of the two steps counts.

    Args:
        path: A file or another input that can be read again.
        chosen: How it is read.

    Returns:
        The median over a few places; None where the decoder does not tell, as of HEVC, AV1, VP8 and
        what is not compressed by such steps.

    Raises:
        MediaError: The input cannot be read.
    """
    if not path.is_file() or chosen.raw is not None:
        return None
    found = []
    with LibavLog(this_thread=True), open_input(path, chosen) as container:
        stream = main_video(container, path, chosen.video_stream)
        stream.thread_type = "NONE"  # libav's lines of other threads would not be held back
        stream.codec_context.options |= {"export_side_data": "venc_params"}
        for place in range(_PLACES if stream.duration else 1):
            steps = list(_steps(container, stream, place))
            if steps:
                found.append((steps[0] * float(np.median(steps[1:] or steps))) ** 0.5)
    return float(np.median(found)) if found else None


def _steps(container: InputContainer, stream: VideoStream, place: int) -> Iterator[float]:
    """The steps of the pictures from the keyframe before a place on, to the first damage."""
    with suppress(av.FFmpegError, ValueError):  # PyAV says the latter of an unknown codec
        if place:
            begin = (stream.start_time or 0) + (stream.duration or 0) * place // _PLACES
            container.seek(begin, stream=stream)
        for picture in islice(container.decode(stream), _FRAMES):
            told = picture.side_data.get(Type.VIDEO_ENC_PARAMS)
            if told is None:
                return
            yield _step(bytes(told), picture.format.components[0].bits)


def _step(told: bytes, bits: int) -> float:
    """The mean step of a picture, of libav's `AVVideoEncParams`."""
    count, begin, size, kind, base = unpack_from("@INNii", told)
    blocks = np.frombuffer(told, np.int32, count * size // 4, begin).reshape(count, size // 4)
    quantiser: float = base + (float(blocks[:, 4].mean()) if count else 0)
    if kind == _VP9:
        return float(np.interp(quantiser, _VP9_INDICES, _VP9_STEPS)) / 8
    if kind == _H264:
        return float(0.625 * 2 ** ((quantiser - 6 * (bits - 8)) / 6))
    return quantiser
