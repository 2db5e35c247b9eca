"""The profiles as values, as the documents tell them, and as files that other programs read."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
import torch

from tests.choices import process_settings
from tests.clips import make_clip, read
from tests.strategies import frame_format
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.color.codes import from_rgb
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings.profiles import PROFILES, profile_for
from vs_gendrpix.write.encoding.choosing import with_encoder

SAME = RestoreSettings(scale=Fraction(1))
QUICK = {"delivery": "ultrafast", "web": "13"}


pytestmark = pytest.mark.usefixtures("nearest_engine")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "tag"),
    [
        ("delivery", "hevc", "yuv420p10le", "hvc1"),
        ("web", "libdav1d", "yuv420p10le", "av01"),
        ("prores422hq", "prores", "yuv422p10le", "apch"),
        ("prores4444", "prores", "yuv444p12le", "ap4h"),
        ("dnxhr-hqx", "dnxhd", "yuv422p10le", "AVdh"),
        ("ffv1", "ffv1", "yuv420p10le", None),
    ],
)
def test_a_video_profile_gives_what_it_says(tmp_path, name, codec, pix_fmt, tag):
    make_clip(tmp_path / "in.mp4", size=(256, 128), audio="aac", times=range(0, 2048, 512))
    profile = PROFILES[name]
    encode = EncodeSettings(preset=QUICK.get(name)).over(profile.encode)
    out = tmp_path / f"out{profile.suffixes[0]}"
    report = process(tmp_path / "in.mp4", out, process_settings(restore=SAME, encode=encode))
    assert (report.exit_code, report.warnings) == (0, ())
    with av.open(str(out)) as clip:
        context = clip.streams.video[0].codec_context
        assert context.name == codec
        assert tag in {None, context.codec_tag}
        assert len(clip.streams.audio) == 1
    picture = read(out).picture
    assert picture.format.name == pix_fmt
    assert (picture.colorspace, picture.color_range) == (6, 1) if codec != "dnxhd" else (1, 1)


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("out.mp4", "delivery"),
        ("out.MKV", "delivery"),
        ("a/%06d.png", "png"),
        ("%d.tiff", "tiff"),
        ("%d.tif", "tiff"),
        ("x.dpx", "dpx"),
        ("x.exr", "exr"),
        ("x.y4m", "y4m"),
        ("-", "y4m"),
        ("unknown", "delivery"),
    ],
)
def test_an_extension_has_its_usual_profile(name, profile):
    assert profile_for(Path(name)) is PROFILES[profile]


def test_what_is_given_goes_before_the_profile():
    base = EncodeSettings(
        encoder="x", pix_fmt="yuv420p", crf=18, preset="slow", options=(("a", "1"), ("b", "1"))
    )
    assert EncodeSettings().over(base) == base
    mine = EncodeSettings(pix_fmt="gray", crf=0, preset="fast", options=(("a", "2"),))
    changed = mine.over(base)
    assert changed == replace(mine, encoder="x", options=(*base.options, ("a", "2")))
    assert dict(changed.options) == {"a": "2", "b": "1"}


YUV = frame_format(64, 48, subsampling=(1, 1))
RGB = frame_format(64, 48, "rgb")


def with_layout(form, **changes):
    return replace(form, layout=replace(form.layout, **changes))


DEEP = with_layout(YUV, bits=12, subsampling=(1, 0))
GRAY = frame_format(64, 48, "gray")
HALF = frame_format(64, 48, "rgb", 16, floating=True)


@pytest.mark.parametrize(
    ("encoder", "pix_fmt", "source", "alpha", "wanted"),
    [
        ("libx265", "auto", YUV, False, "yuv420p10le"),
        ("libx265", "auto", RGB, False, "yuv420p10le"),
        ("prores_ks", "auto", YUV, False, "yuv422p10le"),
        ("prores_ks", "auto", YUV, True, "yuva444p10le"),
        ("hevc_nvenc", "auto", YUV, False, "p010le"),
        ("ffv1", "source", YUV, False, "yuv420p10le"),
        ("ffv1", "source", DEEP, False, "yuv422p12le"),
        ("ffv1", "source", DEEP, True, "yuva422p12le"),
        ("ffv1", "source", RGB, False, "gbrp10le"),
        ("ffv1", "source", RGB, True, "gbrap10le"),
        ("ffv1", "source", GRAY, False, "gray10le"),
        ("ffv1", "source", HALF, False, "gbrpf16le"),
        ("libx264", "auto", YUV, False, "yuv420p"),
        ("libx264", "auto", DEEP, False, "yuv420p10le"),
        ("libx264", "yuv420p10le", YUV, False, "yuv420p10le"),
        ("libx264", "source", with_layout(YUV, subsampling=(2, 2)), False, "yuv420p10le"),
        ("libx264", "source", with_layout(YUV, subsampling=(2, 0)), False, "yuv422p10le"),
        ("wrapped_avframe", "source", DEEP, True, "yuv422p12le"),
        ("wrapped_avframe", "source", RGB, False, "yuv444p10le"),
        ("png", "rgba64be", YUV, True, "rgba64be"),
        ("png", "rgba64be", YUV, False, "rgb48be"),
        ("tiff", "rgba64le", YUV, False, "rgb48le"),
        ("exr", "gbrapf32le", YUV, False, "gbrpf32le"),
        ("prores_ks", "yuva444p10le", YUV, False, "yuv444p10le"),
        ("prores_ks", "yuv444p10le", YUV, True, "yuv444p10le"),
    ],
)
def test_the_pixel_format_is_near_the_source(encoder, pix_fmt, source, alpha, wanted):
    settings = EncodeSettings(encoder=encoder, pix_fmt=pix_fmt)
    found = with_encoder(settings, Path("out.mkv"), with_layout(source, alpha=alpha))
    assert found.pix_fmt == wanted


def test_the_documents_tell_every_profile():
    page = (Path(__file__).parents[3] / "docs" / "inputs-outputs.md").read_text()
    told = [line for line in page.splitlines() if line.startswith("| `")]
    rows = []
    for name, profile in PROFILES.items():
        encode = profile.encode
        pairs = [("crf", f"{encode.crf:g}" if encode.crf else None), ("preset", encode.preset)]
        options = ", ".join(f"{key} {value}" for key, value in [*pairs, *encode.options] if value)
        suffixes = " ".join(profile.suffixes) + ", -" * (name == "y4m")
        encoder = f"{encode.encoder}, {encode.pix_fmt}"
        rows.append(f"| `{name}` | {suffixes} | {encoder} | {options} |")
    assert told[-len(rows) :] == rows


@pytest.mark.parametrize(
    ("encode", "said"),
    [
        (EncodeSettings(options=(("x265-params", "crff=3"),)), "Unknown option: crff.*libx265"),
        (EncodeSettings(options=(("x265-params", "crf=abc"),)), "Invalid value for crf"),
        (
            EncodeSettings(encoder="libx264", options=(("x264-params", "nonsense=1"),)),
            "Error parsing option 'nonsense = 1'",
        ),
        (
            EncodeSettings(encoder="libsvtav1", options=(("svtav1-params", "nonsense=1"),)),
            "Error parsing option nonsense",
        ),
    ],
)
def test_an_option_that_an_encoder_would_pass_over_is_refused(tmp_path, encode, said):
    make_clip(tmp_path / "in.mp4", times=(0, 512))
    with pytest.raises(SettingsError, match=said):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", process_settings(encode=encode))
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("encoder", ["hevc_nvenc", "av1_nvenc"])
def test_an_encoder_that_is_listed_but_does_not_work_is_refused(tmp_path, encoder):
    make_clip(tmp_path / "in.mp4", size=(256, 192), times=(0, 512))
    try:
        context = av.CodecContext.create(encoder, "w")
        context.width, context.height, context.pix_fmt = 256, 192, "p010le"
        context.time_base = Fraction(1, 25)
        context.open()
        works = True
    except av.FFmpegError:
        works = False
    settings = process_settings(restore=SAME, encode=EncodeSettings(encoder=encoder))
    if works:
        assert process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings).frames_encoded == 2
        return
    with pytest.raises(SettingsError, match=f"{encoder} refuses .*these work for .*libx265"):
        process(tmp_path / "in.mp4", tmp_path / "out.mp4", settings)


@pytest.mark.parametrize(
    ("encode", "name", "said"),
    [
        (PROFILES["prores422hq"].encode, "out.mp4", r"\.mp4 files cannot hold prores_ks"),
        (PROFILES["delivery"].encode, "out.y4m", "holds uncompressed frames only"),
        (PROFILES["ffv1"].encode, "out.png", "hold png, not ffv1"),
        (PROFILES["png"].encode, "%d.exr", "hold exr, not png"),
        (EncodeSettings(), "%d.bmp", r"cannot write \.bmp pictures"),
    ],
)
def test_a_file_that_cannot_hold_the_codec_is_refused_before_the_work(tmp_path, encode, name, said):
    make_clip(tmp_path / "in.mp4", times=(0, 512))
    out = tmp_path / "out" / name
    if "%" not in name:
        out.parent.mkdir()
    with pytest.raises(SettingsError, match=said):
        process(tmp_path / "in.mp4", out, process_settings(restore=SAME, encode=encode))
    assert not out.parent.exists() or not list(out.parent.iterdir())


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_dnxhr_gets_no_code_that_it_dies_of(bits):
    """Above 1023 its encoder aborts the whole process: the engine's codes end at the depth."""
    target = with_layout(YUV, bits=bits, subsampling=(1, 0))
    noise = torch.randn(1, 3, 48, 64, generator=torch.Generator().manual_seed(1)) * 4
    assert max(int(plane.int().max()) for plane in from_rgb(noise, target)) == 2**bits - 1
