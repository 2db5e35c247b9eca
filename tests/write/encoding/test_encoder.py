"""Frames to packets, which are good for any file."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from tests.clips import EVEN, TICK, UNEVEN, make_frames
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.clip import ClipInfo
from vs_gendrpix.libav.pixels import layout_of, read_planes
from vs_gendrpix.settings import EncodeSettings
from vs_gendrpix.write.encoding.encoder import Encoder

ENCODERS = [
    ("libx265", "yuv420p10le", ".mp4"),
    ("libx264", "yuv420p", ".mkv"),
    ("libsvtav1", "yuv420p10le", ".mp4"),
    ("ffv1", "yuv420p", ".mkv"),
    ("prores_ks", "yuva444p10le", ".mov"),
]
QUICK = {"libx265": "ultrafast", "libx264": "medium", "libsvtav1": "12"}


def clip_of(frames, rate=25):
    return ClipInfo(
        format=frames[0].format,
        time_base=frames[0].timing.time_base,
        average_rate=Fraction(rate),
        frames=len(frames),
        sample_aspect_ratio=Fraction(4, 3),
        rotation=0,
    )


def encoded(frames, encoder, pix_fmt, **more):
    """The encoder, closed, and the packets that it makes of frames."""
    settings = EncodeSettings(encoder=encoder, pix_fmt=pix_fmt, preset=QUICK.get(encoder), **more)
    with Encoder(settings, clip_of(frames)) as made:
        packets = [packet for frame in frames for packet in made.encode(frame)]
        return made, packets + made.flush()


def muxed(path, made, packets):
    """Write packets to a file with PyAV alone."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(made.stream, opaque=True)
        output.start_encoding()
        for packet in packets:
            packet.stream = stream
            output.mux(packet)


@pytest.mark.parametrize("times", [EVEN, UNEVEN, EVEN[:1], EVEN[:2]])
@pytest.mark.parametrize(("encoder", "pix_fmt", "suffix"), ENCODERS)
def test_packets_can_be_muxed_by_anyone_later(tmp_path, encoder, pix_fmt, suffix, times):
    frames = make_frames(pix_fmt, times=times)
    settings = EncodeSettings(encoder=encoder, pix_fmt=pix_fmt, preset=QUICK.get(encoder))
    path = tmp_path / f"out{suffix}"
    with Encoder(settings, clip_of(frames)) as made:
        packets = [packet for frame in frames for packet in made.encode(frame)]
        packets += made.flush()
        assert sorted(packet.pts for packet in packets) == list(times) == list(made.times)
        muxed(path, made, packets)
    with av.open(str(path)) as clip:
        stream = clip.streams.video[0]
        pictures = list(clip.decode(stream))
        unit = Fraction(str(stream.time_base))
    for picture, frame in zip(pictures, frames, strict=True):
        assert abs(picture.pts * unit - frame.timing.pts * TICK) <= unit
        luma = read_planes(picture)[0] / (1 << layout_of(picture.format.name).bits - 8)
        wanted = frame.planes[0] / (1 << frame.format.layout.bits - 8)
        assert abs(luma.mean() - wanted.mean()) < 1
        if encoder == "ffv1":
            np.testing.assert_array_equal(luma, wanted)


def test_a_packet_lasts_as_long_as_its_frame():
    frames = make_frames(times=UNEVEN)
    lasting = [
        replace(frame, timing=replace(frame.timing, duration=100 + number))
        for number, frame in enumerate(frames)
    ]
    _, packets = encoded(lasting, "libx264", "yuv420p")
    found = {packet.pts: packet.duration for packet in packets}
    assert found == {frame.timing.pts: frame.timing.duration for frame in lasting}


@pytest.mark.parametrize("count", [1, 2, 3])
def test_no_packet_is_decoded_after_its_picture_is_shown(count):
    _, packets = encoded(
        make_frames(times=EVEN[:count], pix_fmt="yuv420p10le"), "libx265", "yuv420p10le"
    )
    decoded = [packet.dts for packet in packets]
    assert decoded == sorted(set(decoded))
    assert all(packet.dts <= packet.pts for packet in packets)


def test_an_encoder_that_fails_its_trial_is_refused():
    frames = make_frames()
    with pytest.raises(SettingsError, match="no encoder 'libx999'; these work for 64x48"):
        Encoder(EncodeSettings(encoder="libx999", pix_fmt="yuv420p"), clip_of(frames))
