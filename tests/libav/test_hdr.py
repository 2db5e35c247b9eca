from fractions import Fraction

import av
import pytest
from av.sidedata.sidedata import Type

from tests.choices import process_settings
from tests.clips import make_clip
from vs_gendrpix import EncodeSettings, RestoreSettings, process
from vs_gendrpix.errors import MediaError
from vs_gendrpix.frame.clip import HdrMetadata, LightLevel, MasteringDisplay
from vs_gendrpix.libav.hdr import read_metadata
from vs_gendrpix.read.source import open_source
from vs_gendrpix.write.encoding.hdr_options import HDR_OPTIONS, lost_metadata

P3 = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
GRADED = HdrMetadata(
    mastering=MasteringDisplay(
        red=(Fraction(34, 50), Fraction(16, 50)),
        green=(Fraction(1325, 5000), Fraction(69, 100)),
        blue=(Fraction(15, 100), Fraction(6, 100)),
        white=(Fraction(15635, 50000), Fraction(16450, 50000)),
        darkest=Fraction(5, 1000),
        brightest=Fraction(1000),
    ),
    light=LightLevel(maximum=1203, frame_average=397),
)


def make_hdr(path, transfer=16, display=P3, **more):
    def prepare(_, stream):
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc = 9, 9, transfer
        context.color_range = 1

    params = f"log-level=none:chromaloc=2:master-display={display}:max-cll=1203,397"
    make_clip(
        path,
        codec="libx265",
        pix_fmt="yuv420p10le",
        size=(96, 64),
        times=(0, 512, 1024),
        options={"x265-params": params},
        prepare=prepare,
        **more,
    )


def settings(model, encode=None, **more):
    return process_settings(
        restore=RestoreSettings(scale=Fraction(1), model_path=model, device="cpu"),
        encode=encode or EncodeSettings(preset="ultrafast"),
        **more,
    )


def pictures(path):
    with av.open(str(path)) as clip:
        return list(clip.decode(video=0))


def test_the_grading_is_read_from_the_first_picture(tmp_path):
    make_hdr(tmp_path / "in.mp4")
    with open_source(tmp_path / "in.mp4") as source:
        assert source.info.hdr == GRADED


@pytest.mark.parametrize(
    "display", [P3.replace("(10000000,50)", "(0,0)"), "G(0,0)B(0,0)R(0,0)WP(0,0)L(10000000,50)"]
)
def test_half_of_a_mastering_display_is_not_dropped_in_silence(tmp_path, small_model, display):
    make_hdr(tmp_path / "in.mkv", display=display)
    report = process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings(small_model))
    assert report.warnings == (
        "not carried over: HDR mastering data, of which the primaries or the luminance are missing",
    )
    found = read_metadata(pictures(tmp_path / "out.mkv")[0].side_data)
    assert (found.mastering, found.light) == (None, GRADED.light)


@pytest.mark.parametrize("encoder", sorted(HDR_OPTIONS))
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_an_encoder_with_a_place_carries_the_grading_and_all_tags(
    tmp_path, small_model, encoder, suffix
):
    make_hdr(tmp_path / "in.mkv")
    preset = "12" if encoder == "libsvtav1" else "ultrafast"
    chosen = settings(small_model, EncodeSettings(encoder=encoder, preset=preset))
    report = process(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", chosen)
    assert report.warnings == ()
    for picture in pictures(tmp_path / f"out.{suffix}"):
        assert (picture.colorspace, picture.color_primaries, picture.color_trc) == (9, 9, 16)
        assert picture.chroma_location == 3  # top left
    found = read_metadata(pictures(tmp_path / f"out.{suffix}")[0].side_data)
    assert found.light == GRADED.light
    for name in ("red", "green", "blue", "white"):
        pair = getattr(found.mastering, name)
        assert pair == pytest.approx(getattr(GRADED.mastering, name), abs=2e-5)
    assert found.mastering.brightest == 1000
    assert float(found.mastering.darkest) == pytest.approx(0.005, abs=1e-4)


def test_the_users_own_parameters_win(tmp_path, small_model):
    make_hdr(tmp_path / "in.mkv")
    own = EncodeSettings(preset="ultrafast", options=(("x265-params", "max-cll=500,100"),))
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings(small_model, own))
    found = read_metadata(pictures(tmp_path / "out.mkv")[0].side_data)
    assert found.light == LightLevel(maximum=500, frame_average=100)
    assert found.mastering == GRADED.mastering


def test_an_encoder_without_a_place_says_what_is_lost(tmp_path, small_model):
    make_hdr(tmp_path / "in.mkv")
    chosen = settings(small_model, EncodeSettings(encoder="prores_ks", pix_fmt="yuv422p10le"))
    report = process(tmp_path / "in.mkv", tmp_path / "out.mov", chosen)
    assert len(report.warnings) == 1
    assert "HDR mastering data, HDR light levels (prores_ks" in report.warnings[0]
    assert lost_metadata(HdrMetadata(), "prores_ks") == ""


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_can_be_refused(tmp_path, small_model, transfer, name):
    make_hdr(tmp_path / "in.mkv", transfer)
    with pytest.raises(MediaError, match=f"HDR \\({name}\\)"):
        process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings(small_model, hdr="error"))
    assert not (tmp_path / "out.mkv").exists()
    make_clip(tmp_path / "sdr.mp4")
    process(tmp_path / "sdr.mp4", tmp_path / "out.mkv", settings(small_model, hdr="error"))


# --- Metadata of single frames: put into the coded pictures as NAL units.


def with_units(path, target, before=b"", after=b""):
    """The same HEVC clip with a NAL unit before or after each picture."""
    before, after = (
        len(unit).to_bytes(4, "big") + unit if unit else b"" for unit in (before, after)
    )
    with av.open(str(path)) as clip, av.open(str(target), "w") as output:
        stream = output.add_stream_from_template(clip.streams.video[0])
        for packet in clip.demux():
            if packet.size:
                made = av.Packet(before + bytes(packet) + after)
                made.pts, made.dts, made.duration = packet.pts, packet.dts, packet.duration
                made.time_base, made.stream = packet.time_base, stream
                made.is_keyframe = packet.is_keyframe
                output.mux(made)


def bits_to_bytes(*fields):
    text = "".join(f"{value:0{count}b}" for value, count in fields)
    text += "0" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def hdr10_plus_unit(brightest):
    """SMPTE ST 2094-40, application 4 version 1, one window, as an SEI of HEVC."""
    head = bytes([0xB5, 0x00, 0x3C, 0x00, 0x01, 4, 1])
    body = bits_to_bytes(
        (1, 2),  # windows
        (400, 27),  # targeted display
        (0, 1),
        *[(brightest, 17)] * 3,  # maxscl
        (1000, 17),  # average maxrgb
        (1, 4),  # one percentile
        (99, 7),
        (brightest, 17),
        (50, 10),  # bright pixels
        (0, 1),
        (0, 1),  # no tone mapping
        (0, 1),  # no saturation weight
    )
    payload = head + body
    sei = bytes([39 << 1, 1, 4, len(payload)]) + payload + b"\x80"
    escaped, zeros = bytearray(), 0
    for byte in sei:
        if zeros >= 2 and byte <= 3:
            escaped.append(3)
            zeros = 0
        escaped.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(escaped)


@pytest.fixture
def dynamic_clip(tmp_path):
    make_hdr(tmp_path / "plain.mp4")
    with_units(tmp_path / "plain.mp4", tmp_path / "in.mp4", hdr10_plus_unit(25_000))
    assert Type.DYNAMIC_HDR_PLUS in pictures(tmp_path / "in.mp4")[0].side_data
    return tmp_path / "in.mp4"


def test_hdr10_plus_is_refused_unless_it_may_be_dropped(tmp_path, small_model, dynamic_clip):
    with pytest.raises(MediaError, match=r"HDR10\+ data.*--drop-dynamic-hdr"):
        process(dynamic_clip, tmp_path / "out.mp4", settings(small_model))
    assert not (tmp_path / "out.mp4").exists()
    report = process(
        dynamic_clip, tmp_path / "out.mp4", settings(small_model, drop_dynamic_hdr=True)
    )
    assert report.warnings == ("not carried over: HDR10+ data",)
    assert read_metadata(pictures(tmp_path / "out.mp4")[0].side_data) == GRADED


def golomb(value):
    """Exp-Golomb of an unsigned number: its value and how many bits it has."""
    return value + 1, 2 * (value + 1).bit_length() - 1


def dolby_vision_unit(rpu_profile, *, full_range):
    """A reference processing unit that maps every component to itself (ETSI GS CCM 001)."""
    pivots = [golomb(0), (0, 10), (1023, 10)]
    line = [golomb(0), golomb(0), (0, 1), golomb(0), (0, 23), golomb(1), (0, 23)]
    body = bits_to_bytes(
        (2, 6),  # type
        (18, 11),  # format
        (rpu_profile, 4),
        (6, 4),
        (1, 1),
        (0, 1),
        (0, 2),
        golomb(23),
        (1, 2),
        (full_range, 1),
        golomb(2),  # 10 bits of the base, of the enhancement layer, 12 of the whole
        golomb(2),
        golomb(4),
        (0, 1),
        (0, 3),
        (0, 1),
        (1, 1),  # no residual
        (0, 1),  # no display metadata
        (0, 1),
        golomb(0),
        golomb(0),
        golomb(0),
        *(pivots * 3),
        golomb(0),
        golomb(0),
        *(line * 3),
    )
    return bytes([62 << 1, 1, 25]) + body + b"\x12\x34\x56\x78\x80"


@pytest.fixture
def dolby_clip(tmp_path, request):
    profile, full_range = request.param
    make_hdr(tmp_path / "plain.mp4")
    unit = dolby_vision_unit(profile, full_range=full_range)
    with_units(tmp_path / "plain.mp4", tmp_path / "in.mp4", after=unit)
    assert Type.DOVI_METADATA in pictures(tmp_path / "in.mp4")[0].side_data
    return tmp_path / "in.mp4"


@pytest.mark.parametrize("dolby_clip", [(1, False)], indirect=True)
def test_dolby_vision_is_refused_unless_it_may_be_dropped(tmp_path, small_model, dolby_clip):
    with pytest.raises(MediaError, match=r"Dolby Vision data.*--drop-dynamic-hdr"):
        process(dolby_clip, tmp_path / "out.mp4", settings(small_model))
    chosen = settings(small_model, drop_dynamic_hdr=True)
    report = process(dolby_clip, tmp_path / "out.mp4", chosen)
    assert report.warnings == ("not carried over: Dolby Vision data",)
    assert Type.DOVI_RPU_BUFFER not in pictures(tmp_path / "out.mp4")[0].side_data


@pytest.mark.parametrize("dolby_clip", [(0, True)], indirect=True)
def test_dolby_vision_without_a_picture_of_its_own_is_always_refused(
    tmp_path, small_model, dolby_clip
):
    chosen = settings(small_model, drop_dynamic_hdr=True)
    with pytest.raises(MediaError, match="Dolby Vision alone"):
        process(dolby_clip, tmp_path / "out.mp4", chosen)
