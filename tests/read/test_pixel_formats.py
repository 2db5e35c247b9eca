"""Every pixel format of libav is read, or refused in one line."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.nearest import settings
from vs_gendrpix import process
from vs_gendrpix.errors import MediaError
from vs_gendrpix.read.source import open_source

pytestmark = pytest.mark.usefixtures("nearest_engine")


def write_raw(path, pix_fmt):
    """Write two raw pictures; False if they cannot be made: formats of hardware."""
    rgb = np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)
    try:
        with av.open(str(path), "w") as output:
            stream = output.add_stream("rawvideo", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
            for number in range(2):
                try:
                    picture = av.VideoFrame.from_ndarray(rgb).reformat(format=pix_fmt)
                except (av.FFmpegError, ValueError):  # libswscale does not write it
                    picture = av.VideoFrame(64, 48, pix_fmt)
                    for plane in picture.planes:
                        plane.update(bytes(plane.buffer_size))
                picture.pts, picture.time_base = number, Fraction(1, 25)
                output.mux(stream.encode(picture))
            output.mux(stream.encode(None))
    except (av.FFmpegError, ValueError):
        return False
    return True


@pytest.mark.slow
def test_every_pixel_format_is_read_or_refused_in_one_line(tmp_path):
    path, layouts, refused, lines = tmp_path / "in.nut", {}, [], []
    for name in sorted(av.video.format.names):
        if not write_raw(path, name):
            continue
        try:
            with open_source(path) as source:
                assert len(list(source)) == 2, name
                layouts.setdefault(source.info.format.layout, name)
        except MediaError as error:
            refused.append(name)
            lines.append(str(error))
    assert len(layouts) > 50
    assert not any("\n" in line for line in lines)
    kinds = ("bayer_", "xyz", "gbrpf", "gbrapf", "rgb4", "bgr4", "yuvj411p")
    assert all(name.startswith(kinds) for name in refused)
    # One of each layout is restored: the others differ from it in their packing alone.
    for name in layouts.values():
        write_raw(path, name)
        report = process(path, tmp_path / "out.mkv", settings(overwrite=True))
        assert report.frames_encoded == 2, name
