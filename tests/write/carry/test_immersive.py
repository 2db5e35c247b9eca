"""Stereoscopy and the projection of spherical video reach every container that knows them."""

from pathlib import Path
from struct import pack, pack_into, unpack_from

import av
import pytest

from tests.clips import make_clip, read
from tests.nearest import QUICK, settings
from vs_gendrpix import EncodeSettings, process

pytestmark = pytest.mark.usefixtures("nearest_engine")

FFV1 = EncodeSettings(encoder="ffv1", pix_fmt="yuv420p10le")
PRORES = EncodeSettings(encoder="prores_ks", pix_fmt="yuv422p10le")
WAY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")

TURNED = 90 << 16, -30 << 16, 12345
QUARTER = 0, 1 << 31, 1 << 30, 1 << 30  # from the top, bottom, left and right


def box(name, *parts):
    content = b"".join(parts)
    return pack(">I4s", len(content) + 8, name) + content


def stereo(mode):
    """Google's `st3d`: 1 is top and bottom, 2 left and right."""
    return box(b"st3d", bytes(4), bytes([mode]))


def sphere(pose=(0, 0, 0), bounds=(0, 0, 0, 0), cube=None):
    """Google's `sv3d`; a cube has a number of pixels around each face."""
    head = box(b"svhd", bytes(4), b"camera\0")
    kind = box(b"equi", bytes(4), pack(">4I", *bounds))
    if cube is not None:
        kind = box(b"cbmp", bytes(8), pack(">I", cube))
    turned = box(b"prhd", bytes(4), pack(">3i", *pose))
    return box(b"sv3d", head, box(b"proj", turned, kind))


def describe(path, boxes):
    """Add boxes to the description of the first track of a file whose `moov` comes last."""
    data, begin, sizes = bytearray(path.read_bytes()), 0, []
    for name in WAY:
        while data[begin + 4 : begin + 8] != name:
            begin += unpack_from(">I", data, begin)[0]
        sizes.append(begin)
        begin += 16 if name == b"stsd" else 8
    end = begin + unpack_from(">I", data, begin)[0]
    for place in [*sizes, begin]:
        pack_into(">I", data, place, unpack_from(">I", data, place)[0] + len(boxes))
    data[end:end] = boxes
    path.write_bytes(data)


def side_data(path):
    """Type and flags of an AVStereo3D, and an AVSphericalMapping, as the container says them."""
    with av.open(str(path)) as clip:
        found = clip.streams.video[0].codec_context.coded_side_data
        return found.get("stereo_3d", b"")[:8], found.get("spherical", b"")


@pytest.mark.slow
@pytest.mark.parametrize("title", ["", "Ünder water"])
@pytest.mark.parametrize(
    "boxes",
    [
        stereo(1),
        stereo(2),
        sphere(),
        sphere(TURNED),
        sphere(TURNED, QUARTER),
        sphere(cube=4),
        stereo(2) + sphere(TURNED),
    ],
    ids=["top-bottom", "left-right", "sphere", "turned", "part", "cube", "both"],
)
@pytest.mark.parametrize(
    ("suffix", "encode"),
    [("mp4", QUICK), ("mov", QUICK), ("mov", PRORES), ("mkv", QUICK), ("mkv", FFV1)],
    ids=lambda value: getattr(value, "encoder", value),
)
def test_views_and_projection_are_kept(tmp_path, boxes, title, suffix, encode):
    def prepare(output, stream):
        output.metadata["title"] = "A film"
        if title:
            stream.metadata["title"] = title

    make_clip(tmp_path / "in.mp4", audio="aac", prepare=prepare)
    describe(tmp_path / "in.mp4", boxes)
    wanted = side_data(tmp_path / "in.mp4")
    assert any(wanted)
    output = tmp_path / f"out.{suffix}"
    report = process(tmp_path / "in.mp4", output, settings(2, encode))
    assert report.warnings == ()
    assert side_data(output) == wanted
    with av.open(str(output)) as clip:
        tags = clip.streams.video[0].metadata
        assert tags.get("name", tags.get("title", "")) == title
        assert clip.metadata["title"] == "A film"
    was, now = read(tmp_path / "in.mp4"), read(output)
    assert (len(now.times), len(now.sides[1])) == (12, len(was.sides[1]))


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_they_go_from_matroska_to_mp4(tmp_path, suffix):
    make_clip(tmp_path / "in.mp4")
    describe(tmp_path / "in.mp4", stereo(1) + sphere(TURNED))
    process(tmp_path / "in.mp4", tmp_path / "mid.mkv", settings())
    with av.open(str(tmp_path / "mid.mkv")) as clip:
        assert clip.streams.video[0].metadata["stereo_mode"] == "top_bottom"
    report = process(tmp_path / "mid.mkv", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ()
    assert side_data(tmp_path / f"out.{suffix}") == side_data(tmp_path / "in.mp4")


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_views_are_kept_beside_tags_of_any_name(tmp_path, suffix):
    def prepare(output, stream):
        output.metadata["director"] = "Jane"
        stream.metadata["stereo_mode"] = "top_bottom"

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    report = process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ()
    assert side_data(tmp_path / f"out.{suffix}") == side_data(tmp_path / "in.mkv")
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        assert "Jane" in clip.metadata.values()


def test_a_file_for_the_web_keeps_its_description_at_its_beginning(tmp_path):
    make_clip(tmp_path / "in.mp4")
    describe(tmp_path / "in.mp4", sphere(TURNED))
    process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings())
    data = Path(tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"sv3d") < data.index(b"mdat")


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_views_that_mp4_has_no_name_for_are_named(tmp_path, suffix):
    def prepare(_, stream):
        stream.metadata["stereo_mode"] = "right_left"

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    report = process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings())
    assert report.warnings == ("not carried over: stereoscopy of video stream 0 (h264)",)
    assert process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings()).warnings == ()
