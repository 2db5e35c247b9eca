"""A finished file's frames are decoded before it is published: the first, the last, the joints."""

import av
import pytest

from tests.clips import TICK, make_clip
from vs_gendrpix.errors import VerificationError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.carry.plan import CarryPlan
from vs_gendrpix.write.verification import verify

TIMES = [512 * number for number in range(12)]


def checked(path, joints=()):
    carried = SideStreams(path, CarryPlan(), Notes())
    verify(
        f"file:{path}", times=TIMES, time_base=TICK, carried=carried, damaged=False, joints=joints
    )


def spoil(source, path, number):
    """Copy a clip with zeros in one of its packets."""
    with av.open(str(source)) as given, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(given.streams.video[0])
        for place, packet in enumerate(given.demux(video=0)):
            if packet.size:
                copy = av.Packet(bytes(packet.size) if place == number else bytes(packet))
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
                copy.stream = stream
                output.mux(copy)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "libx265"])
@pytest.mark.parametrize("suffix", [".mkv", ".mov"])
def test_whole_files_pass(tmp_path, codec, suffix):
    path = tmp_path / f"in{suffix}"
    make_clip(path, codec=codec, options={"g": "6", "bf": "2"} if codec == "libx264" else {})
    checked(path, [TIMES[6]])


@pytest.mark.parametrize("number", [0, 6, 11])
def test_a_frame_that_cannot_be_decoded_fails(tmp_path, number):
    make_clip(tmp_path / "whole.mkv", codec="mjpeg", pix_fmt="yuvj420p")
    spoil(tmp_path / "whole.mkv", tmp_path / "in.mkv", number)
    with pytest.raises(VerificationError, match=f"at {number / 25:g} s cannot be decoded"):
        checked(tmp_path / "in.mkv", [TIMES[6]])
