"""Packets to a verified file: what is lost, moved or made up is not published."""

from dataclasses import replace

import av
import pytest

from tests.clips import EVEN, TICK, make_clip, make_frames, read
from tests.write.encoding.test_encoder import clip_of
from vs_gendrpix.errors import OutputError, VerificationError
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.settings import EncodeSettings, StreamSettings
from vs_gendrpix.write.carry.copy import SideStreams
from vs_gendrpix.write.carry.plan import CarryPlan, plan_carry
from vs_gendrpix.write.container import Container
from vs_gendrpix.write.encoding.encoder import Encoder
from vs_gendrpix.write.output import OutputFile

SETTINGS = EncodeSettings(encoder="libx264", pix_fmt="yuv420p", preset="ultrafast")


def packets_of(frames):
    """An open encoder and the packets that it has made of frames."""
    made = Encoder(SETTINGS, clip_of(frames))
    packets = [packet for frame in frames for packet in made.encode(frame)]
    return made, packets + made.flush()


def write(path, frames, *, spoil=list, times=None, carried=None, notes=None):
    """Write frames to a file, their packets spoilt on the way."""
    notes = notes or Notes()
    made, packets = packets_of(frames)
    carried = carried or SideStreams(path, CarryPlan(), notes)
    with made, carried, OutputFile(path, source=path, overwrite=True) as output:
        clip = clip_of(frames)
        with Container(output, made.stream, clip=clip, carried=carried, notes=notes) as container:
            container.mux(spoil(packets))
            container.finish(made.times if times is None else times)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_packets_become_a_file(tmp_path, suffix):
    frames = make_frames()
    write(tmp_path / f"out.{suffix}", frames)
    found = read(tmp_path / f"out.{suffix}")
    assert found.times == [pts * TICK for pts in EVEN]
    assert [path.name for path in tmp_path.iterdir()] == [f"out.{suffix}"]


def moved(packets):
    packets[-1].pts += 400
    packets[-1].dts += 400
    return packets


@pytest.mark.parametrize(
    ("spoil", "times", "said"),
    [
        (lambda packets: packets[:-1], None, "11 frames, not 12"),
        (list, EVEN[:-1], "12 frames, not 11"),
        (list, (*EVEN[:-1], 6000), "from its time"),
        (moved, None, "from its time"),
        (lambda _: [], None, "0 videos, not 1|cannot be read again"),
    ],
)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_video_that_is_not_what_was_written_is_not_published(
    tmp_path, suffix, spoil, times, said
):
    with pytest.raises(VerificationError, match=said):
        write(tmp_path / f"out.{suffix}", make_frames(), spoil=spoil, times=times)
    assert list(tmp_path.iterdir()) == []


def side_streams(path, container, notes):
    with av.open(str(path)) as source:
        plan = plan_carry(
            source,
            source.streams.video[0],
            path=path,
            container=container,
            keep=StreamSettings(),
        )
    return SideStreams(path, plan, notes)


def test_sound_that_is_not_all_there_is_not_published(tmp_path):
    make_clip(tmp_path / "in.mp4", audio="aac")
    notes = Notes()
    carried = side_streams(tmp_path / "in.mp4", "mp4", notes)
    write(tmp_path / "good.mp4", make_frames(), carried=carried, notes=notes)
    assert carried.copied[1] == len(read(tmp_path / "good.mp4").sides[1]) > 10
    carried = side_streams(tmp_path / "in.mp4", "mp4", notes)
    finish = carried.copy_until

    def forgetful(seconds):
        finish(seconds)
        if seconds is None:
            carried.copied[1] += 1
            carried.payload[1] += 5

    carried.copy_until = forgetful
    with pytest.raises(VerificationError, match=r"stream 1 .* packets, not"):
        write(tmp_path / "bad.mp4", make_frames(), carried=carried, notes=notes)
    assert not (tmp_path / "bad.mp4").exists()


def test_the_packets_of_files_are_joined_without_encoding_them_again(tmp_path):
    """As segments are: the first file's stream is the template, and each clip's times go on."""
    parts = [make_frames(times=EVEN[:6]), make_frames(times=EVEN[6:])]
    for number, frames in enumerate(parts):
        write(tmp_path / f"{number}.mp4", frames)
    make_clip(tmp_path / "in.mp4", audio="aac")
    notes = Notes()
    carried = side_streams(tmp_path / "in.mp4", "mp4", notes)
    clip = replace(clip_of(parts[0]), rotation=90)
    out = tmp_path / "out.mp4"
    with (
        av.open(str(tmp_path / "0.mp4")) as first,
        av.open(str(tmp_path / "1.mp4")) as second,
        carried,
        OutputFile(out, source=tmp_path / "in.mp4", overwrite=False) as output,
        Container(
            output, first.streams.video[0], clip=clip, carried=carried, notes=notes
        ) as container,
    ):
        for part in (first, second):
            container.mux(packet for packet in part.demux(video=0) if packet.size)
        container.finish(EVEN)
    found = read(out)
    assert found.times == [pts * TICK for pts in EVEN]
    assert found.sides == read(tmp_path / "in.mp4").sides
    assert found.means == [mean for n in (0, 1) for mean in read(tmp_path / f"{n}.mp4").means]
    assert notes.warnings == []


def test_a_name_that_is_taken_meanwhile_stays(tmp_path):
    frames = make_frames()
    path = tmp_path / "out.mp4"
    notes = Notes()
    made, packets = packets_of(frames)
    carried = SideStreams(path, CarryPlan(), notes)
    with made, carried, OutputFile(path, source=path, overwrite=False) as output:
        clip = clip_of(frames)
        with Container(output, made.stream, clip=clip, carried=carried, notes=notes) as container:
            container.mux(packets)
            path.write_text("other")
            with pytest.raises(OutputError, match=r"exists by now: .*out-2\.mp4"):
                container.finish(made.times)
    assert path.read_text() == "other"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-2.mp4", "out.mp4"]
    assert len(read(tmp_path / "out-2.mp4").times) == len(frames)


def test_an_mp4_begins_with_its_index(tmp_path):
    write(tmp_path / "out.mp4", make_frames())
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
