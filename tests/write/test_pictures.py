"""Numbered pictures, in and out, through real codecs."""

import errno
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from tests.choices import process_settings
from tests.clips import EVEN, UNEVEN, make_clip, make_frames, read
from vs_gendrpix import EncodeSettings, ReadSettings, RestoreSettings, process
from vs_gendrpix.errors import (
    MediaError,
    OutputError,
    ResourceError,
    SettingsError,
    VerificationError,
)
from vs_gendrpix.libav.pixels import read_planes, to_picture
from vs_gendrpix.read.source import open_source
from vs_gendrpix.settings.profiles import PROFILES
from vs_gendrpix.write.pictures import PictureWriter

SAME = RestoreSettings(scale=Fraction(1))
RATE = ReadSettings(rate=Fraction(24))


def make_pictures(pattern, encoder, pix_fmt, *, first=1, count=4, size=(64, 48), options=None):
    """Write numbered pictures as another program would, and return the frames that went in."""
    pattern.parent.mkdir(exist_ok=True)
    frames = make_frames(pix_fmt, size, tuple(range(count)), Fraction(1, 24))
    container_options = {"start_number": str(first)}
    with av.open(str(pattern), "w", format="image2", container_options=container_options) as output:
        stream = output.add_stream(encoder, rate=24, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        for frame in frames:
            output.mux(stream.encode(to_picture(frame, pix_fmt)))
        output.mux(stream.encode(None))
    return frames


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def pixels(path):
    with av.open(str(path)) as picture:
        decoded = next(picture.decode(video=0))
        return decoded.format.name, read_planes(decoded)


KINDS = [
    ("png", "png", "rgb24", {}),
    ("png", "png", "rgb48be", {}),
    ("png", "png", "rgba64be", {}),
    ("png", "png", "gray16be", {}),
    ("png", "png", "ya16be", {}),
    ("tif", "tiff", "rgb48le", {}),
    ("tif", "tiff", "rgba64le", {"compression_algo": "deflate"}),
    ("dpx", "dpx", "gbrp10le", {}),
    ("dpx", "dpx", "gbrp12le", {}),
    ("dpx", "dpx", "rgb48le", {}),
    ("dpx", "dpx", "rgba64be", {}),
    ("exr", "exr", "gbrpf32le", {"format": "float"}),
    ("exr", "exr", "gbrapf32le", {"format": "float"}),
    ("exr", "exr", "gbrapf32le", {"format": "half", "compression": "zip16"}),
    ("exr", "exr", "grayf32le", {"format": "half"}),
]


@pytest.mark.parametrize(("suffix", "encoder", "pix_fmt", "options"), KINDS)
def test_every_kind_is_read_bit_for_bit(tmp_path, suffix, encoder, pix_fmt, options):
    pattern = tmp_path / "in" / f"shot.%04d.{suffix}"
    made = make_pictures(pattern, encoder, pix_fmt, first=1001, options=options)
    with open_source(tmp_path / "in", chosen=RATE) as source:
        found = list(source)
    assert (source.info.frames, source.info.first_number) == (4, 1001)
    assert source.info.average_rate == 24
    assert [frame.timing.pts * frame.timing.time_base * 24 for frame in found] == [0, 1, 2, 3]
    half = options.get("format") == "half"
    for was, now in zip(made, found, strict=True):
        assert now.format.layout.alpha == was.format.layout.alpha
        assert now.format.layout.bits == (16 if half else was.format.layout.bits)
        for a, b in zip(was.planes, now.planes, strict=True):
            # FFmpeg's encoder cuts what a half cannot say, and does not round.
            np.testing.assert_allclose(b, a, rtol=2**-10 if half else 0)


@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize(
    ("suffix", "encode", "pix_fmt"),
    [
        ("png", EncodeSettings(), "rgb48be"),
        ("tif", EncodeSettings(), "rgb48le"),
        ("tiff", EncodeSettings(), "rgb48le"),
        ("dpx", EncodeSettings(), "gbrp10le"),
        ("dpx", EncodeSettings(pix_fmt="rgb48le"), "rgb48le"),
    ],
)
def test_a_video_becomes_numbered_pictures(tmp_path, suffix, encode, pix_fmt):
    made = make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt="gbrp10le")
    out = tmp_path / "out" / f"p.%03d.{suffix}"
    report = process(tmp_path / "in.mkv", out, process_settings(restore=SAME, encode=encode))
    assert (report.frames_encoded, report.exit_code, report.warnings) == (12, 0, ())
    assert names(tmp_path / "out") == [f"p.{number:03d}.{suffix}" for number in range(1, 13)]
    assert names(tmp_path) == ["in.mkv", "out"]
    for number, frame in enumerate(made):
        form, planes = pixels(tmp_path / "out" / f"p.{number + 1:03d}.{suffix}")
        assert form == pix_fmt
        shift = 6 if "48" in pix_fmt else 0
        for was, now in zip(frame.planes, planes, strict=True):
            np.testing.assert_array_equal(now, was << shift)


@pytest.mark.usefixtures("nearest_engine")
def test_pictures_keep_their_numbers(tmp_path):
    make_pictures(tmp_path / "in" / "%d.png", "png", "rgb24", first=998, count=5)
    chosen = process_settings(read=RATE, restore=SAME)
    process(tmp_path / "in", tmp_path / "all" / "f%04d.tif", chosen)
    assert names(tmp_path / "all") == [f"f{n:04d}.tif" for n in range(998, 1003)]
    later = process_settings(
        read=ReadSettings(rate=Fraction(24), start_number=999),
        restore=SAME,
        start=Fraction(1, 24),
        end=Fraction(3, 24),
    )
    process(tmp_path / "in", tmp_path / "cut" / "f%04d.tif", later)
    assert names(tmp_path / "cut") == ["f1000.tif", "f1001.tif"]
    first = pixels(tmp_path / "all" / "f1000.tif")[1][0]
    np.testing.assert_array_equal(pixels(tmp_path / "cut" / "f1000.tif")[1][0], first)


@pytest.mark.usefixtures("nearest_engine")
def test_a_broken_picture_moves_no_other_ones_number(tmp_path):
    make_pictures(tmp_path / "in" / "%d.png", "png", "rgb24", count=5)
    (tmp_path / "in" / "3.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    report = process(
        tmp_path / "in", tmp_path / "out" / "%d.png", process_settings(read=RATE, restore=SAME)
    )
    assert report.exit_code == 1
    assert names(tmp_path / "out") == ["1.png", "2.png", "4.png", "5.png"]


@pytest.mark.usefixtures("nearest_engine")
def test_pictures_become_a_video_at_their_rate(tmp_path):
    make_pictures(tmp_path / "in" / "%03d.dpx", "dpx", "gbrp10le")
    rate = Fraction(24000, 1001)
    chosen = process_settings(read=ReadSettings(rate=rate), restore=SAME)
    report = process(tmp_path / "in" / "%03d.dpx", tmp_path / "out.mov", chosen)
    assert report.warnings == ()
    assert read(tmp_path / "out.mov").times == [index / rate for index in range(4)]
    report = process(tmp_path / "in", tmp_path / "two.mov", process_settings(restore=SAME))
    assert report.warnings == ("no frame rate is given: taken as 24 a second (--fps)",)


@pytest.mark.usefixtures("nearest_engine")
def test_one_picture_becomes_one_picture(tmp_path):
    make_pictures(tmp_path / "in" / "%d.png", "png", "rgb24", count=1)
    (tmp_path / "in" / "1.png").rename(tmp_path / "in.png")
    process(tmp_path / "in.png", tmp_path / "out.png", process_settings(restore=SAME))
    assert pixels(tmp_path / "out.png")[0] == "rgb48be"
    make_clip(tmp_path / "in.mp4")
    with pytest.raises(OutputError, match=r"takes one picture.*out/%06d\.png"):
        process(tmp_path / "in.mp4", tmp_path / "two.png", process_settings(restore=SAME))
    assert names(tmp_path) == ["in", "in.mp4", "in.png", "out.png"]


@pytest.mark.usefixtures("nearest_engine")
def test_what_pictures_cannot_hold_is_named(tmp_path):
    make_clip(
        tmp_path / "in.mp4",
        audio="aac",
        times=UNEVEN,
        prepare=lambda _, stream: stream.set_display_rotation(90),
    )
    report = process(
        tmp_path / "in.mp4", tmp_path / "out" / "%d.png", process_settings(restore=SAME)
    )
    assert "not carried over: audio stream 1 (aac, eng)" in report.warnings
    assert any("rotation by 270 degrees" in warning for warning in report.warnings)
    assert any("not evenly spaced" in warning for warning in report.warnings)
    assert [(done.kind, done.action) for done in report.streams] == [
        ("video", "restored"),
        ("audio", "dropped"),
    ]


@pytest.mark.usefixtures("nearest_engine")
def test_a_folder_of_other_things_is_never_touched(tmp_path):
    make_clip(tmp_path / "in.mp4", times=EVEN[:2])
    keep = process_settings(restore=SAME, overwrite=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("dear")
    (tmp_path / "full" / "1.png").write_text("old")
    for pattern in ("full/%d.png", "%d.png"):
        with pytest.raises(OutputError, match=r"other things \(|holds the input"):
            process(tmp_path / "in.mp4", tmp_path / pattern, keep)
    assert (tmp_path / "full" / "diary.txt").read_text() == "dear"
    make_pictures(tmp_path / "seq" / "%d.png", "png", "rgb24")
    with pytest.raises(OutputError, match="holds the input"):
        process(tmp_path / "seq", tmp_path / "seq" / "%d.png", keep)
    assert names(tmp_path / "seq") == ["1.png", "2.png", "3.png", "4.png"]


@pytest.mark.usefixtures("nearest_engine")
def test_pictures_are_replaced_when_all_new_ones_are_there(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4", times=EVEN[:2])
    make_pictures(tmp_path / "out" / "%d.png", "png", "rgb24")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    pattern = tmp_path / "out" / "%d.png"
    with pytest.raises(OutputError, match=r"holds pictures.*-y"):
        process(tmp_path / "in.mp4", pattern, process_settings(restore=SAME))

    def broken(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    chosen = process_settings(restore=SAME, overwrite=True)
    with monkeypatch.context() as patch:
        patch.setattr(PictureWriter, "_save", broken)
        with pytest.raises(ResourceError, match="free some space"):
            process(tmp_path / "in.mp4", pattern, chosen)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    process(tmp_path / "in.mp4", pattern, chosen)
    assert names(tmp_path / "out") == ["1.png", "2.png"]
    assert names(tmp_path) == ["in.mp4", "out"]


@pytest.mark.usefixtures("nearest_engine")
def test_an_empty_folder_is_filled_and_one_that_comes_up_meanwhile_wins(tmp_path, monkeypatch):
    make_clip(tmp_path / "in.mp4", times=EVEN[:2])
    (tmp_path / "out").mkdir()
    process(tmp_path / "in.mp4", tmp_path / "out" / "%d.png", process_settings(restore=SAME))
    assert names(tmp_path / "out") == ["1.png", "2.png"]
    verify = PictureWriter._verify

    def meanwhile(self):
        verify(self)
        (tmp_path / "late").mkdir()
        (tmp_path / "late" / "x").write_text("other")

    monkeypatch.setattr(PictureWriter, "_verify", meanwhile)
    with pytest.raises(OutputError, match=r"exists by now: .*late-2"):
        process(tmp_path / "in.mp4", tmp_path / "late" / "%d.png", process_settings(restore=SAME))
    assert names(tmp_path / "late") == ["x"]
    assert names(tmp_path / "late-2") == ["1.png", "2.png"]
    assert names(tmp_path) == ["in.mp4", "late", "late-2", "out"]


@pytest.mark.usefixtures("nearest_engine")
@pytest.mark.parametrize("fault", ["missing", "cut", "garbled"])
def test_pictures_that_are_not_as_written_are_not_published(tmp_path, monkeypatch, fault):
    make_clip(tmp_path / "in.mp4", times=EVEN[:3])
    verify = PictureWriter._verify

    def spoiled(self):
        path = self._output.names.path(3)
        data = path.read_bytes()
        if fault == "missing":
            path.unlink()
        else:
            path.write_bytes(data[:-1] if fault == "cut" else bytes(len(data)))
        verify(self)

    monkeypatch.setattr(PictureWriter, "_verify", spoiled)
    with pytest.raises(VerificationError):
        process(tmp_path / "in.mp4", tmp_path / "out" / "%d.png", process_settings(restore=SAME))
    assert names(tmp_path) == ["in.mp4"]


@pytest.mark.usefixtures("nearest_engine")
def test_a_gap_and_a_choice_that_does_not_fit_are_refused(tmp_path):
    make_pictures(tmp_path / "in" / "%d.png", "png", "rgb24")
    make_clip(tmp_path / "in.mp4")
    (tmp_path / "in" / "2.png").unlink()
    with pytest.raises(MediaError, match="number 2 is missing"):
        process(tmp_path / "in", tmp_path / "out.mp4")
    for chosen, said in [(RATE, "rate is for"), (ReadSettings(start_number=1), "start number is")]:
        with pytest.raises(SettingsError, match=said):
            process(tmp_path / "in.mp4", tmp_path / "out.mp4", process_settings(read=chosen))
    assert names(tmp_path) == ["in", "in.mp4"]


# The engine itself, without the network: float64 references of what light becomes.


@pytest.mark.slow
def test_alpha_is_scaled_beside_the_picture(tmp_path):
    frames = make_pictures(tmp_path / "in" / "%d.png", "png", "rgba64be", count=1)
    alpha = np.zeros((48, 64), np.uint16)
    alpha[12:36, 16:48] = 65535
    array = np.stack([*frames[0].planes[:3], alpha], -1)
    make = av.VideoFrame.from_ndarray(array, format="rgba64le").reformat(format="rgba64be")
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "rgba64be"
    encoder.time_base = Fraction(1, 24)
    (tmp_path / "in" / "1.png").write_bytes(b"".join(map(bytes, encoder.encode(make))))
    restore = RestoreSettings(scale=Fraction(2), strength=0, device="cpu")
    for name, pix_fmt, full, encode in [
        ("p/%d.png", "rgba64be", 65535, EncodeSettings()),
        ("t/%d.tif", "rgba64le", 65535, EncodeSettings()),
        ("e/%d.exr", "gbrapf16le", 1, EncodeSettings()),
        ("f.mkv", "gbrap16le", 65535, PROFILES["ffv1"].encode),
        ("m.mov", "yuva444p12le", 4095, PROFILES["prores4444"].encode),
    ]:
        chosen = process_settings(read=RATE, restore=restore, encode=encode)
        report = process(tmp_path / "in", tmp_path / name, chosen)
        assert report.warnings == ()
        found, planes = pixels(tmp_path / name.replace("%d", "1"))
        assert found == pix_fmt
        scaled = planes[3].astype(float) / full
        assert scaled.shape == (96, 128)
        assert (scaled[28:68, 36:92] > 0.999).all()
        assert (scaled[:18] < 0.001).all()
        assert 0.2 < scaled[48, 31:33].mean() < 0.8
    chosen = process_settings(read=RATE, restore=restore, encode=PROFILES["delivery"].encode)
    report = process(tmp_path / "in", tmp_path / "out.mp4", chosen)
    assert report.warnings == ("the alpha channel is dropped: yuv420p10le has none",)


@pytest.mark.slow
def test_linear_light_goes_to_a_curve_and_back(tmp_path):
    """1 is white, 2 is kept in an EXR and cut off elsewhere; BT.1886 lies between them."""
    restore = RestoreSettings(scale=Fraction(1), strength=0, device="cpu")
    levels = np.array([0.0, 0.01, 0.18, 0.5, 1.0, 2.0], np.float32)
    plane = np.repeat(levels, 16)[None].repeat(32, 0)
    picture = av.VideoFrame(96, 32, "gbrpf32le")
    for room in picture.planes:
        np.frombuffer(room, np.float32).reshape(32, -1)[:, :96] = plane
    encoder = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 96, 32, "gbrpf32le"
    encoder.time_base, encoder.options = Fraction(1, 24), {"format": "float"}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.exr").write_bytes(b"".join(map(bytes, encoder.encode(picture))))
    middles = slice(8, None, 16)
    for name, encode in [
        ("e/%d.exr", EncodeSettings(options=(("format", "float"),))),
        ("p/%d.png", EncodeSettings()),
        ("d/%d.dpx", EncodeSettings()),
    ]:
        chosen = process_settings(read=RATE, restore=restore, encode=encode)
        process(tmp_path / "in", tmp_path / name, chosen)
    _, planes = pixels(tmp_path / "e" / "1.exr")
    for found in planes:
        np.testing.assert_allclose(found[16, middles], levels, rtol=1e-4, atol=1e-6)
    curve = np.minimum(levels.astype(np.float64), 1) ** (1 / 2.4)
    _, planes = pixels(tmp_path / "p" / "1.png")
    np.testing.assert_allclose(planes[0][16, middles], curve * 65535, atol=2)
    _, planes = pixels(tmp_path / "d" / "1.dpx")
    np.testing.assert_allclose(planes[0][16, middles], curve * 1023, atol=1)
    # The way back, from the PNG.
    back = process_settings(
        read=RATE, restore=restore, encode=EncodeSettings(options=(("format", "float"),))
    )
    process(tmp_path / "p", tmp_path / "b" / "%d.exr", back)
    _, planes = pixels(tmp_path / "b" / "1.exr")
    np.testing.assert_allclose(planes[0][16, middles], np.minimum(levels, 1), atol=2e-4)


def test_a_tiff_is_not_said_to_lose_what_every_tiff_has(tmp_path):
    """libav calls its tags of size and samples EXIF."""
    pixels = np.random.default_rng(1).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    for number in range(2):
        Image.fromarray(pixels).save(tmp_path / f"{number:02d}.tif")
    with open_source(tmp_path / "%02d.tif") as source:
        assert len(list(source)) == 2
        assert not [said for said in source.notes.warnings if "EXIF" in said]
