"""Clips whose damage is known, drawn or made of a real one, for what `gendrpix try` finds."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

from ffmpeg_filters import InProcess, Video, graph_of

RATE = Fraction(25)

type Picture = npt.NDArray[np.float32]
"""(H, W, 3) codes of 255."""


def drawn(number: int, seed: int = 1, size: tuple[int, int] = (160, 120)) -> Picture:
    """A picture with slopes, sharp edges, and rectangles that move.

    Args:
        number: Its place in the clip.
        seed: Another one draws another scene.
        size: Width and height.
    """
    width, height = size
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    picture = np.repeat((80 + 80 * rng.random() + columns / 8 - rows / 8)[..., None], 3, axis=2)
    for _ in range(12):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        wide, high = rng.integers(8, width // 4), rng.integers(8, height // 4)
        x = (x + number * int(rng.integers(1, 4))) % width
        picture[y : y + high, x : x + wide] = rng.integers(30, 225, 3)
    return picture.astype(np.float32)


def real(path: Path, count: int) -> list[Picture]:
    """The first pictures of a clip."""
    with av.open(str(path)) as clip:
        pictures = islice(clip.decode(video=0), count)
        return [each.to_ndarray(format="rgb24").astype(np.float32) for each in pictures]


def noisy(pictures: Sequence[Picture], sigma: float) -> list[Picture]:
    """Noise of a standard deviation in codes of 255, another one in each picture."""
    rng = np.random.default_rng(5)
    return [
        (each + rng.normal(0, sigma, each.shape[:2])[..., None]).astype(np.float32)
        for each in pictures
    ]


def write(  # noqa: PLR0913 - each is one thing to set
    path: Path,
    pictures: Sequence[Picture],
    *,
    codec: str = "ffv1",
    options: dict[str, str] | None = None,
    graph: str = "null",
    times: Sequence[int] | None = None,
    rate: Fraction = RATE,
    made_rate: Fraction | None = None,
    prepare: Callable[[VideoStream], None] | None = None,
) -> Path:
    """Write a clip.

    Args:
        path: The file.
        pictures: Its pictures, before the graph.
        codec: The encoder; the usual one loses nothing.
        options: Its options.
        graph: A filter graph.
        times: When each picture is shown, in milliseconds; None is evenly.
        rate: Pictures a second.
        made_rate: Pictures a second behind the graph; None is the same.
        prepare: Is given the stream before it is opened.
    """
    tick = Fraction(1, 1000) if times else 1 / rate
    height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
    frames = []
    for number, picture in enumerate(pictures):
        codes = picture[:height, :width].clip(0, 255).round().astype(np.uint8)
        frame = av.VideoFrame.from_ndarray(codes, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = times[number] if times else number, tick
        frames.append(frame)
    video = Video(width=width, height=height, pix_fmt="yuv420p", time_base=tick, rate=rate)
    made = list(InProcess().run(graph_of(graph), [(video, frames)]))
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=made_rate or rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = made[0].width, made[0].height, "yuv420p"
        if times:
            stream.codec_context.time_base = tick
        if prepare:
            prepare(stream)
        for number, frame in enumerate(made):
            if not times:
                frame.pts, frame.time_base = number, 1 / (made_rate or rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path
