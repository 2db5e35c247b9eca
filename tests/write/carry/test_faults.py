"""Broken packets beside the picture: left out and named, and never the end of the work."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.clips import EVEN, TICK, make_clip, make_frames, read
from tests.nearest import settings
from tests.write.carry.test_copy import make_sound, samples
from vs_gendrpix import process
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.write.carry.convert import AudioConverter

pytestmark = pytest.mark.usefixtures("nearest_engine")

SECOND_PID = 0x101
"""Of the second stream that FFmpeg writes into a transport stream."""


def without_a_packet(stream, place):
    """The bytes of a transport stream without one packet of sound, a share of them from the end."""
    packets = [stream[at : at + 188] for at in range(0, len(stream), 188)]
    sound = [
        number
        for number, packet in enumerate(packets)
        if int.from_bytes(packet[1:3]) & 0x1FFF == SECOND_PID
    ]
    del packets[sound[int(place * (len(sound) - 1))]]
    return b"".join(packets)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
@pytest.mark.parametrize("codec", ["aac", "mp2", "ac3"])
def test_a_lost_packet_of_sound_ends_no_run(tmp_path, codec, suffix):
    make_clip(tmp_path / "in.ts", audio=codec)
    (tmp_path / "in.ts").write_bytes(without_a_packet((tmp_path / "in.ts").read_bytes(), 0.5))
    report = process(tmp_path / "in.ts", tmp_path / f"out.{suffix}", settings())
    assert report.exit_code == 1
    assert report.frames_encoded == 12
    left_out = len(read(tmp_path / "in.ts").sides[1]) - report.copied[1]
    named = [said for said in report.warnings if "audio stream 1" in said]
    assert bool(named) == bool(left_out)
    if codec == "aac":
        assert named == [
            "not carried over: 1 packet of audio stream 1 (aac, eng) (libav: Error parsing ADTS "
            "frame header: Invalid data found when processing input)"
        ]


def test_a_broken_header_of_sound_ends_no_run(tmp_path, shared):
    """A second header of AAC in an FLV says a rate that there is not."""
    path = shared / "video" / "faults" / "fuzz1_00644_h264_m_splice.flv"
    report = process(path, tmp_path / "out.mkv", settings())
    assert report.exit_code == 1
    assert any("1 packet of audio stream 2 (aac) (libav:" in said for said in report.warnings)


def test_a_subtitle_without_an_end_goes_into_mp4(tmp_path):
    with av.open(str(tmp_path / "in.mkv"), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        video.time_base = video.codec_context.time_base = TICK
        text = output.add_mux_stream("dvd_subtitle")
        for frame in make_frames(times=EVEN):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        packet = av.Packet(b"\x00\x08\x00\x04\x00\x00\x00\xff")
        packet.stream, packet.time_base = text, Fraction(1, 1000)
        packet.pts = packet.dts = 100
        packet.duration = 2**32 - 1
        output.mux(packet)
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings())
    assert report.frames_encoded == 12
    assert report.copied == {1: 1}


def test_all_sound_of_a_decoder_that_is_late_is_converted(tmp_path, shared):
    """WMA's decoder holds two packets back, and does not time what it gives at the end."""
    path = shared / "video" / "reports" / "wma_flush.wmv"
    report = process(path, tmp_path / "out.mp4", settings())
    assert report.exit_code == 0
    assert len(samples(tmp_path / "out.mp4")[0]) == len(samples(path)[0])


def test_sound_whose_channels_change_is_converted_to_the_first_ones(tmp_path):
    paths = [tmp_path / f"{layout}.mkv" for layout in ("stereo", "mono")]
    for path in paths:
        make_sound(path, "mp2", rate=44100, layout=path.stem)
    with (
        av.open(str(paths[0])) as first,
        av.open(str(paths[1])) as second,
        av.open(str(tmp_path / "out.mov"), "w") as output,
    ):
        stream = first.streams.audio[0]
        made = AudioConverter(stream, output, "alac", "s16p", "stereo")
        count = 0
        for packet in [*first.demux(stream), *second.demux(audio=0)]:
            if packet.size:
                count += 1
                output.mux(made.convert(packet))
        output.mux(made.rest())
    found, _, _ = samples(tmp_path / "out.mov")
    assert 2 * 1152 * (count - 2) < len(found) < 2 * 1152 * count  # each begins with some to skip
    late = found[-2 * 1152 * 4 :].reshape(-1, 2)
    np.testing.assert_array_equal(late[:, 0], late[:, 1])
    assert np.abs(late).max() > 1000
