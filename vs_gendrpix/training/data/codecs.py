"""Real compression in memory: a picture after JPEG, H.264, HEVC or MPEG-2."""

import io
from fractions import Fraction
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

_DECODERS = {"libx264": "h264", "libx265": "hevc", "mpeg2video": "mpeg2video"}
_FIXED = {
    "libx264": {"x264-params": "mbtree=0"},
    "libx265": {"x265-params": "log-level=none:pools=none:frame-threads=1:bframes=0:ctu=32"},
}
"""x265 has a log of its own, and starts threads for every encoder unless told not to. With blocks
of 64 it reads memory that it has not written (4.3): 4 of 69 crops differed from run to run. So does
x264's propagation of costs over small frames, with AVX-512: 2 of 60 differed."""

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) RGB, 0 to 255."""


def jpeg(picture: Picture, quality: int, *, subsampled: bool) -> Picture:
    """Compress a picture by JPEG of a quality from 1 to 100, with 4:2:0 chroma or 4:4:4."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(
        buffer, "JPEG", quality=quality, subsampling="4:2:0" if subsampled else "4:4:4"
    )
    with Image.open(buffer) as image:
        return np.asarray(image.convert("RGB"))


def video(pictures: list[Picture], codec: str, options: dict[str, str]) -> Picture:
    """Encode several equally large pictures as 4:2:0 video and decode the last one.

    Args:
        pictures: Successive frames; the later ones are predicted from the earlier.
        codec: FFmpeg's name of an encoder, `libx264`, `libx265` or `mpeg2video`.
        options: The encoder's private options.

    Returns:
        The last frame, of the size given.
    """
    height, width = pictures[0].shape[:2]
    # Whole blocks, so that no encoder can depend on what lies in memory beyond a partial one;
    # a pair must come out the same every time. The border is cropped again.
    whole = 64 if codec == "libx265" else 16
    below, beside = -height % whole, -width % whole
    margin = ((0, below), (0, beside), (0, 0))
    encoder = cast("av.VideoCodecContext", av.CodecContext.create(codec, "w"))
    encoder.width, encoder.height = width + beside, height + below
    encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, 25)
    encoder.framerate = Fraction(25)
    encoder.thread_count = 1
    encoder.options = {"bf": "0", **_FIXED.get(codec, {}), **options}
    packets = []
    for tick, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(np.pad(picture, margin, mode="edge"), format="rgb24")
        frame = frame.reformat(format="yuv420p")
        frame.pts, frame.time_base = tick, encoder.time_base
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    name = _DECODERS[codec]
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(name, "r"))
    decoder.thread_count = 1
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    frames = [frame for packet in packets for frame in decoder.decode(packet)]
    frames += decoder.decode(None)
    last = cast("Picture", frames[-1].to_ndarray(format="rgb24"))
    return last[:height, :width]
