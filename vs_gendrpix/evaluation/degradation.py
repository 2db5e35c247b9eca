"""The fixed degradation of the evaluation: what a picture looks like as small, worn video.

It shares no code with the degradations of the training, so that a fault of theirs cannot pass.
"""

import io
from fractions import Fraction

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

EXACT = (
    Interpolation.BICUBIC
    | Interpolation.ACCURATE_RND
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.BITEXACT
)
"""How libswscale converts colours: its default truncates, which darkens by a code value."""

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
    worn = _jpeg(clean) if number // 2 % 2 == 0 else _h264(clean)
    return torch.from_numpy(worn).permute(2, 0, 1)[None].float() / 255


def worn_frame(image: Tensor, number: int) -> Tensor:
    """One frame of a clip: blurred, shrunk to a quarter, with fresh noise, not compressed.

    Args:
        image: (1, 3, H, W) RGB in [0, 1], H and W multiples of 4.
        number: Of the frame: seeds its noise.

    Returns:
        (1, 3, H/4, W/4) RGB in [0, 1] of 8 bits; the same on every call.
    """
    noisy = _noisy(_shrunk(image), 2 * number)  # even numbers have noise in colour
    return torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255


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


def _h264(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    # 4:2:0 needs even sizes: the last column and row are repeated, and cut off afterwards.
    even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = even.shape[1], even.shape[0]
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    # One thread: x264's slices, and so its pixels, would depend on the number of cores.
    encoder.thread_count = 1
    encoder.options = {"crf": str(H264_CRF)}
    frame = av.VideoFrame.from_ndarray(even, format="rgb24")
    frame = frame.reformat(format="yuv420p", interpolation=EXACT)
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    decoded = frames[0].reformat(format="rgb24", interpolation=EXACT)
    worn: Picture = decoded.to_ndarray().astype(np.uint8)
    return worn[:height, :width]
