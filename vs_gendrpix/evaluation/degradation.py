"""The fixed degradation of the evaluation: pictures and clips become small, noisy, compressed.

It shares no code with the degradations of the training, so that a fault of theirs cannot pass.
"""

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import cast

import av
import numpy as np
import numpy.typing as npt
import torch
from av.video.reformatter import Interpolation
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

SCALE = 4
BLUR_SIGMA = 1.0
NOISE_SIGMA = 3.0
JPEG_QUALITY = 70
H264_CRF = 26

CODECS = (
    ("libx264", {"crf": str(H264_CRF)}),
    ("mpeg2video", {"qmin": "6", "qmax": "6"}),
    ("libx265", {"crf": "28", "x265-params": "log-level=none:pools=none:frame-threads=1"}),
)
"""Encoders of clips, in turn: FFmpeg's names and options."""
DECODERS = {"libx264": "h264", "mpeg2video": "mpeg2video", "libx265": "hevc"}
BLOCK = 64
"""The largest block that any of them codes."""

EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)
"""Flags of libswscale for exact colours: its default truncates, which darkens by a code value."""

Picture = npt.NDArray[np.uint8]
"""(H, W, 3) RGB."""


def degrade(image: Tensor, number: int) -> Tensor:
    """Blur, shrink to a quarter, add noise, compress.

    Gaussian blur of sigma 1 pixel; antialiased bicubic resize by 1/4; Gaussian noise of sigma 3 of
    255; then a codec with 4:2:0 chroma. Four kinds take turns, the noise fastest: noise in colour
    or in grey, JPEG of quality 70 or one H.264 picture of CRF 26.

    Args:
        image: (1, 3, H, W) RGB in [0, 1], H and W multiples of 4.
        number: Place of the picture in its set: picks the kind and seeds the noise.

    Returns:
        (1, 3, H/4, W/4) RGB in [0, 1] of 8 bits; the same on every call.
    """
    clean = _noisy(_shrunk(image), number)
    coded = _jpeg(clean) if number // 2 % 2 == 0 else _coded([clean], *CODECS[0])[0]
    return _tensor(coded)


def degrade_clip(frames: Sequence[Tensor], number: int) -> Tensor:
    """Degrade a clip: blur, shrink, noise of its own in every frame, one codec over all of them.

    H.264 of CRF 26, MPEG-2 of quantiser 6 and HEVC of CRF 28 take turns, with the encoders' own
    B-frames; the noise is in colour.

    Args:
        frames: (1, 3, H, W) each, RGB in [0, 1], H and W multiples of 8.
        number: Place of the clip in its set: picks the codec and seeds the noise.

    Returns:
        (N, 3, H/4, W/4) RGB in [0, 1] of 8 bits; the same on every call.
    """
    seeds = (2 * (number * len(frames) + place) for place in range(len(frames)))
    clean = [_noisy(_shrunk(frame), seed) for frame, seed in zip(frames, seeds, strict=True)]
    return torch.cat([_tensor(frame) for frame in _coded(clean, *CODECS[number % len(CODECS)])])


def degraded_frame(image: Tensor, number: int) -> Tensor:
    """One frame of a clip: blurred, shrunk to a quarter, with fresh noise, not compressed.

    Args:
        image: (1, 3, H, W) RGB in [0, 1], H and W multiples of 4.
        number: Of the frame: seeds its noise.

    Returns:
        (1, 3, H/4, W/4) RGB in [0, 1] of 8 bits; the same on every call.
    """
    return _tensor(_noisy(_shrunk(image), 2 * number))  # even numbers have noise in colour


def _tensor(picture: Picture) -> Tensor:
    return torch.from_numpy(picture).permute(2, 0, 1)[None].float() / 255


def _shrunk(image: Tensor) -> Tensor:
    size = [side // SCALE for side in image.shape[-2:]]
    return F.interpolate(_blur(image), size, mode="bicubic", antialias=True)


def _noisy(image: Tensor, number: int) -> Picture:
    channels = 3 if number % 2 == 0 else 1
    noise = np.random.default_rng(number).normal(0, NOISE_SIGMA, (*image.shape[-2:], channels))
    codes = image[0].permute(1, 2, 0).double().numpy() * 255 + noise
    return np.clip(np.rint(codes), 0, 255).astype(np.uint8)


def _blur(image: Tensor) -> Tensor:
    reach = round(3 * BLUR_SIGMA)
    offsets = torch.arange(-reach, reach + 1, dtype=image.dtype)
    line = torch.exp(-offsets.square() / (2 * BLUR_SIGMA**2))
    kernel = (line / line.sum()).expand(3, 1, 1, -1)
    padded = F.pad(image, (reach, reach, reach, reach), mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel, groups=3), kernel.mT, groups=3)


def _jpeg(picture: Picture) -> Picture:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
    with Image.open(file) as decoded:
        return np.asarray(decoded.convert("RGB")).copy()


def _coded(pictures: Sequence[Picture], codec: str, options: dict[str, str]) -> list[Picture]:
    """Pictures after a video codec, in their order."""
    height, width = pictures[0].shape[:2]
    # Whole blocks: some encoders depend on what lies in memory beyond a partial one. What is
    # added repeats the last column and row, and is cut off afterwards.
    below, beside = -height % BLOCK, -width % BLOCK
    margin = ((0, below), (0, beside), (0, 0))
    encoder = cast("av.VideoCodecContext", av.CodecContext.create(codec, "w"))
    encoder.width, encoder.height = width + beside, height + below
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    # One thread: x264's slices, and so its pixels, would depend on the number of cores.
    encoder.thread_count = 1
    encoder.options = options
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(np.pad(picture, margin, mode="edge"), format="rgb24")
        frame = frame.reformat(format="yuv420p", interpolation=EXACT)
        frame.pts, frame.time_base = number, encoder.time_base
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder = cast("av.VideoCodecContext", av.CodecContext.create(DECODERS[codec], "r"))
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    decoded = [frame.reformat(format="rgb24", interpolation=EXACT) for frame in frames]
    return [frame.to_ndarray().astype(np.uint8)[:height, :width] for frame in decoded]
