"""Random degradations of a picture, as old film and video have them.

The order of the steps is that of Real-ESRGAN (arXiv 2107.10833, section 3), of both orders;
the strengths are those of video: milder blur and noise. Then come film, tape or fields, and at the
end real codecs on a short run of frames.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.training.data import codecs, film
from vs_gendrpix.training.data.draw import Draw

_RESIZE_MODES = ("area", "bilinear", "bicubic")
_MATERIALS = (None, film.film, film.tape, film.fields, film.banded)
_MATERIAL_SHARES = (0.66, 0.14, 0.08, 0.08, 0.04)
_CLEAN_SHARE, _CLEAN_SHARE_AT_ONE = 0.06, 0.4
"""Share of pictures that are only resized: what is good already must stay as it is."""
_RESCALED_SHARE = 0.12


def degrade(image: Tensor, scale: float, draw: Draw) -> Tensor:
    """Degrade a picture and make it smaller by a factor.

    Args:
        image: (3, H, W) RGB in [0, 1].
        scale: Factor from the result's size to the picture's, 1 to 4.
        draw: Source of the choices; the same draw gives the same result.

    Returns:
        (3, round(H / scale), round(W / scale)) RGB in [0, 1], in steps of 1/255.
    """
    size = (round(image.shape[-2] / scale), round(image.shape[-1] / scale))
    if draw.chance(_CLEAN_SHARE if scale > 1 else _CLEAN_SHARE_AT_ONE):
        return from_picture(to_picture(_resize(image, size, draw.pick(_RESIZE_MODES))))
    # In pixels of the picture: up to two thirds of a pixel of the small one, as soft lenses, old
    # transfers and interpolated sensors have it (Real-ESRGAN: up to 3 at scale 4).
    image = _blur(image, draw, 0.2, 0.4 + 0.6 * scale, probability=0.7)
    if draw.chance(0.2):
        image = _resize_by(image, draw, max(1 / scale, 0.5), 1.1)
        image = _noise(image, draw, 8, probability=0.4)
        image = _jpeg(image, draw, 55, 95, probability=0.3)
        if draw.chance(0.4):  # the second order
            image = _blur(image, draw, 0.2, 1.0, probability=0.6)
            image = _noise(image, draw, 6, probability=0.4)
    image = _resize(image, size, draw.pick(_RESIZE_MODES))
    if draw.chance(0.1):
        image = _ringing(image, draw)
    image = _noise(image, draw, 9, probability=0.55)
    material = draw.pick(_MATERIALS, _MATERIAL_SHARES)
    if material is not None:
        image = material(image, draw)
    if draw.chance(_RESCALED_SHARE):  # compressed at another size: blocks of no whole pixels
        image = _compress(_resize_by(image, draw, 0.6, 1.5), draw, low_rate=draw.chance(0.5))
        image = _resize(image, size, draw.pick(_RESIZE_MODES))
    # A clip that is not enlarged by much is one of its time's full size, at its time's rates.
    image = _compress(image, draw, low_rate=draw.chance(0.5 if scale <= 2 else 0.25))
    if draw.chance(0.12):  # copied once more
        image = _compress(image, draw, low_rate=False)
    return image


def to_picture(image: Tensor) -> codecs.Picture:
    """(3, H, W) in [0, 1] to (H, W, 3) bytes."""
    return (image.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).contiguous().numpy()


def from_picture(picture: codecs.Picture) -> Tensor:
    """(H, W, 3) bytes to (3, H, W) in [0, 1]."""
    return torch.from_numpy(picture.copy()).permute(2, 0, 1).float().div(255)


def _gaussian(sigma_x: float, sigma_y: float, angle: float) -> Tensor:
    """A normalised anisotropic kernel, wide enough for 2.5 sigma."""
    radius = max(1, math.ceil(2.5 * max(sigma_x, sigma_y)))
    axis = torch.arange(-radius, radius + 1, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    kernel = torch.exp(-0.5 * ((along / sigma_x) ** 2 + (across / sigma_y) ** 2))
    return kernel / kernel.sum()


def _filter(image: Tensor, kernel: Tensor) -> Tensor:
    """Convolve (3, H, W) with a (2r + 1, 2r + 1) kernel, the border reflected."""
    radius = kernel.shape[0] // 2
    padded = F.pad(image[None], (radius,) * 4, mode="reflect")
    return F.conv2d(padded.transpose(0, 1), kernel[None, None]).transpose(0, 1)[0]


def _blur(image: Tensor, draw: Draw, low: float, high: float, *, probability: float) -> Tensor:
    if not draw.chance(probability):
        return image
    sigma = draw.between(low, high)
    other = sigma if draw.chance(0.6) else draw.between(low, high)
    return _filter(image, _gaussian(sigma, other, draw.between(0, math.pi)))


def _ringing(image: Tensor, draw: Draw) -> Tensor:
    """Add the halos of an over-sharpening scaler or camera."""
    soft = _filter(image, _gaussian(*(draw.between(0.6, 1.2),) * 2, 0))
    return (image + draw.between(0.3, 1.0) * (image - soft)).clamp(0, 1)


def _resize(image: Tensor, size: tuple[int, int], mode: str) -> Tensor:
    if mode == "area":
        return F.interpolate(image[None], size, mode="area")[0]
    return F.interpolate(image[None], size, mode=mode, antialias=True)[0].clamp(0, 1)


def _resize_by(image: Tensor, draw: Draw, low: float, high: float) -> Tensor:
    factor = draw.between(low, high)
    size = (round(image.shape[-2] * factor), round(image.shape[-1] * factor))
    return _resize(image, size, draw.pick(_RESIZE_MODES))


def _noise(image: Tensor, draw: Draw, most: float, *, probability: float) -> Tensor:
    """Add noise of up to `most` codes of 255, colour or grey, fine or coarse."""
    if not draw.chance(probability):
        return image
    channels = draw.pick((1, 3), (0.6, 0.4))
    height, width = image.shape[-2:]
    if draw.chance(0.3):  # grain that an earlier generation has softened
        coarse = draw.normal(channels, (height + 1) // 2, (width + 1) // 2)
        noise = F.interpolate(coarse[None], (height, width), mode="bicubic")[0] * 1.2
    else:
        noise = draw.normal(channels, height, width)
    strength = draw.between(1, most) / 255
    if draw.chance(0.4):  # shot noise: as strong as the light's root
        noise = noise * image.mean(0, keepdim=True).clamp(0.02, 1).sqrt() * 1.4
    return (image + strength * noise).clamp(0, 1)


def _jpeg(image: Tensor, draw: Draw, low: int, high: int, *, probability: float) -> Tensor:
    if not draw.chance(probability):
        return image
    picture = codecs.jpeg(to_picture(image), draw.whole(low, high), subsampled=draw.chance(0.7))
    return from_picture(picture)


def _compress(image: Tensor, draw: Draw, *, low_rate: bool) -> Tensor:
    """Compress once or not: by JPEG, or a video codec that predicts over a short run of frames."""
    kind = draw.pick(("none", "jpeg", "h264", "mpeg2", "hevc"), (0.3, 0.22, 0.3, 0.1, 0.08))
    if kind == "none":
        return from_picture(to_picture(image))
    if kind == "jpeg":
        return _jpeg(image, draw, 50, 95, probability=1)
    run = [to_picture(frame) for frame in _run(image, draw)]
    if kind == "mpeg2":
        quantiser = str(draw.whole(5, 14) if low_rate else draw.whole(2, 6))
        options = {"qmin": quantiser, "qmax": quantiser}
        return from_picture(codecs.video(run, "mpeg2video", options))
    crf = draw.whole(26, 36) if low_rate else draw.whole(14, 29)
    options = {"crf": str(crf), "preset": "veryfast"}
    return from_picture(codecs.video(run, "libx264" if kind == "h264" else "libx265", options))


def _run(image: Tensor, draw: Draw) -> list[Tensor]:
    """Make one to three frames that end with the picture: a pan, gate weave, fresh grain."""
    pan = (draw.between(-2, 2), draw.between(-2, 2)) if draw.chance(0.7) else (0.0, 0.0)
    frames = [image]
    for back in range(1, draw.whole(1, 3)):
        right, down = (back * step + draw.between(-0.3, 0.3) for step in pan)
        frame = film.moved(image, right, down)
        frames.insert(0, _noise(frame, draw, 3, probability=0.5))
    return frames
