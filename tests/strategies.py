"""Values that many rooms' tests build: formats, frames, a small network's numbers."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from vs_gendrpix.frame.format import ColorSpec, Frame, FrameFormat, PixelLayout, Timing
from vs_gendrpix.models.gendrpix.unet import UNetConfig

MATRICES = (1, 4, 5, 6, 7, 9)
LOCATIONS = ("left", "center", "topleft", "top", "bottomleft", "bottom")

SMALL = UNetConfig(
    channels=(16, 32),
    attention=(False, False),
    layers=1,
    condition_tokens=2,
    condition_dim=8,
    head_dim=16,
    groups=8,
)
"""A network of 80,000 parameters."""


def frame_format(
    width, height, family="yuv", bits=8, subsampling=(0, 0), *, floating=False, **color
):
    """A format; its matrix is BT.709's, or R'G'B' of RGB, unless the colour says another one."""
    return FrameFormat(
        width=width,
        height=height,
        layout=PixelLayout(family=family, bits=bits, subsampling=subsampling, floating=floating),
        color=ColorSpec(**{"matrix": 0 if family == "rgb" else 1} | color),
    )


def noise_frame(number: int, form: FrameFormat) -> Frame:
    """A frame of random codes, each `number` its own, 3 ticks of 1/90 s after the one before."""
    draw = np.random.default_rng(number)
    top = 1 << form.layout.bits
    planes = tuple(
        draw.integers(top // 8, top * 3 // 4, shape).astype(form.dtype)
        for shape in form.plane_shapes
    )
    timing = Timing(pts=number * 3, duration=3, time_base=Fraction(1, 90))
    return Frame(format=form, planes=planes, timing=timing)


@st.composite
def formats(draw):
    """Any format of whole numbers, of up to 23x23 pixels."""
    family = draw(st.sampled_from(["yuv", "yuv", "rgb", "gray"]))
    return frame_format(
        draw(st.integers(1, 23)),
        draw(st.integers(1, 23)),
        family,
        draw(st.integers(8, 16)),
        draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) if family == "yuv" else (0, 0),
        matrix=0 if family == "rgb" else draw(st.sampled_from(MATRICES)),
        full_range=draw(st.booleans()),
        chroma_location=draw(st.sampled_from(LOCATIONS)),
    )
