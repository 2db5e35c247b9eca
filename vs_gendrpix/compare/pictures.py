"""Frames as pictures for a browser: PNG, which loses nothing, and small previews."""

import base64
import io
from zlib import Z_RLE

import numpy as np
from PIL import Image
from torch import Tensor

PREVIEW = (160, 90)
"""Most columns and rows of a preview."""


def png(picture: Tensor) -> bytes:
    """(1, 3, H, W) RGB in [0, 1], of 8 bits, as a PNG file."""
    held = io.BytesIO()
    # A search for what repeats takes four times as long, and finds little in photographed pictures.
    _image(picture).save(held, "PNG", compress_type=Z_RLE)
    return held.getvalue()


def preview(picture: Tensor) -> str:
    """A small JPEG of (1, 3, H, W) RGB in [0, 1], as a data URI."""
    image, held = _image(picture), io.BytesIO()
    image.thumbnail(PREVIEW)
    image.save(held, "JPEG", quality=80)
    return data_uri(held.getvalue(), "jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """The content of a picture file as an address that needs no file."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _image(picture: Tensor) -> Image.Image:
    codes = picture[0].permute(1, 2, 0).mul(255).round().numpy().astype(np.uint8)
    return Image.fromarray(codes)
