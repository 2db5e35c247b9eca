"""Log scans and camera log whose curve the user declares: through the network, and back."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.choices import process_settings
from tests.clips import make_clip
from tests.write.test_pictures import make_pictures, names, pixels
from vs_gendrpix import EncodeSettings, RestoreSettings, make_plan, process
from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.transfer import CINEON, LOGC3, SLOG3, SLOG3_LIMITED
from vs_gendrpix.libav.filters import Filters
from vs_gendrpix.read.source import open_source
from vs_gendrpix.settings import ReadSettings

OFF = RestoreSettings(scale=Fraction(1), strength=0, device="cpu")
LOSSLESS = EncodeSettings(encoder="ffv1", pix_fmt="source")
RATE = Fraction(24)


def test_a_scan_comes_out_code_for_code_at_strength_0(tmp_path):
    make_pictures(tmp_path / "in" / "%d.dpx", "dpx", "gbrp10le", count=2)
    chosen = process_settings(restore=OFF, in_transfer="cineon", rate=RATE)
    process(tmp_path / "in", tmp_path / "out" / "%d.dpx", chosen)
    for each in names(tmp_path / "in"):
        (_, was), (_, now) = pixels(tmp_path / "in" / each), pixels(tmp_path / "out" / each)
        assert all(map(np.array_equal, was, now))


def test_an_exr_of_a_log_scan_has_the_light_of_the_scene(tmp_path):
    make_pictures(tmp_path / "in" / "%d.dpx", "dpx", "gbrp10le", count=1)
    encode = EncodeSettings(options=(("format", "float"),))
    chosen = process_settings(restore=OFF, in_transfer="cineon", rate=RATE, encode=encode)
    process(tmp_path / "in", tmp_path / "out" / "%d.exr", chosen)
    (_, codes), (_, light) = pixels(tmp_path / "in/1.dpx"), pixels(tmp_path / "out/1.exr")
    base = 10 ** (-590 / 300)
    wanted = (10 ** ((codes[0].astype(np.float64) - 685) / 300) - base) / (1 - base)
    np.testing.assert_allclose(light[0], wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "pix_fmt", "transfer"),
    [
        ("logc", "yuv422p10le", LOGC3),
        ("slog3", "yuv422p10le", SLOG3_LIMITED),
        ("slog3", "gbrp10le", SLOG3),
        ("linear", "yuv420p", 8),
    ],
)
def test_what_is_declared_wins_and_goes_through_filters(tmp_path, name, pix_fmt, transfer):
    def prepare(_, stream):
        stream.codec_context.color_trc = 13

    path = tmp_path / "in.mkv"
    make_clip(path, codec="ffv1", pix_fmt=pix_fmt, prepare=prepare)
    with open_source(path, ReadSettings(in_transfer=name)) as source:
        assert source.info.format.color.transfer == transfer
        filtered = Filters(source.info, ["hflip"])
        assert filtered.info.format.color.transfer == transfer
        frames = list(filtered.through(source))
    assert len(frames) == 12
    assert {frame.format for frame in frames} == {filtered.info.format}


def test_the_output_does_not_state_what_has_no_number(tmp_path):
    make_clip(tmp_path / "in.mkv", codec="ffv1", pix_fmt="yuv444p10le")
    encode = EncodeSettings(encoder="libx264", pix_fmt="yuv444p10le", options=(("qp", "0"),))
    chosen = process_settings(restore=OFF, in_transfer="logc", encode=encode)
    plan = make_plan(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen)
    assert plan.result.format.color.transfer == LOGC3
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen)
    with open_source(tmp_path / "in.mkv") as was, open_source(tmp_path / "out.mkv") as now:
        for before, after in zip(was, now, strict=True):
            assert all(map(np.array_equal, before.planes, after.planes))
    with av.open(str(tmp_path / "out.mkv")) as written:
        assert next(written.decode(video=0)).color_trc == 2


def test_a_script_has_what_is_declared_too(tmp_path):
    script = tmp_path / "in.vpy"
    script.write_text(
        "import vapoursynth as vs\n"
        "vs.core.std.BlankClip(width=64, height=48, format=vs.RGB30, length=2).set_output()\n"
    )
    chosen = process_settings(restore=OFF, in_transfer="cineon", encode=LOSSLESS)
    plan = make_plan(script, tmp_path / "out.mkv", chosen)
    assert plan.clip.format.color.transfer == CINEON


def test_another_curve_is_refused():
    with pytest.raises(SettingsError, match="no input transfer 'vlog': use one of auto, cineon"):
        ReadSettings(in_transfer="vlog")
