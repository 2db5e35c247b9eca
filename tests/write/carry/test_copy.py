"""What is beside the picture, through real files."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clips import EVEN, TICK, add_audio, make_clip, make_frames, read
from tests.nearest import settings
from vs_gendrpix import process
from vs_gendrpix.job.plan import make_plan
from vs_gendrpix.job.run import run
from vs_gendrpix.libav.pixels import to_picture
from vs_gendrpix.settings import StreamSettings
from vs_gendrpix.write.carry.convert import Timeline

MS = Fraction(1, 1000)


pytestmark = pytest.mark.usefixtures("nearest_engine")


def lines(path):
    """Begin and end in milliseconds, and text, of the first subtitle stream."""
    with av.open(str(path)) as clip:
        stream = clip.streams.subtitles[0]
        shown = []
        for packet in clip.demux(stream):
            if packet.size:
                begin = round(packet.pts * Fraction(str(packet.time_base)) / MS)
                length = round((packet.duration or 0) * Fraction(str(packet.time_base)) / MS)
                data = bytes(packet)
                text = data[2 : 2 + int.from_bytes(data[:2])] if clip.format.name != MKV else data
                if text:
                    shown.append((begin, begin + length, text.decode()))
        return shown


MKV = "matroska,webm"
HEADER = (
    b"[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n"
    b"Format: Name, Fontname, Fontsize\nStyle: Default,Arial,16\n\n[Events]\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
)


def add_text(output, codec, shown, language="deu"):
    """A stream of (begin, end, text) in milliseconds; returns a function that writes it."""
    stream = output.add_mux_stream(codec)
    stream.metadata["language"] = language
    stream.metadata["title"] = "Signs"

    def write():
        for number, (begin, end, text) in enumerate(shown):
            data = text if codec == "subrip" else f"{number},0,Default,,0,0,0,,{text}"
            packet = av.Packet(data.encode())
            packet.stream, packet.time_base = stream, MS
            packet.pts = packet.dts = begin
            packet.duration = end - begin
            output.mux(packet)

    return write


def make_text_clip(path, codec, shown, disposition=None):
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        video.time_base = video.codec_context.time_base = TICK
        write = add_text(output, codec, shown)
        if disposition:
            output.streams[1].disposition = disposition
        for frame in make_frames(times=EVEN):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        write()


def test_text_becomes_the_kind_that_mp4_has_and_back(tmp_path):
    shown = [(0, 100, "Guten <i>Tag</i>"), (120, 300, "zwei\nZeilen"), (300, 450, "Ende")]
    forced = av.stream.Disposition.forced
    make_text_clip(tmp_path / "in.mkv", "subrip", shown, forced)
    report = process(tmp_path / "in.mkv", tmp_path / "mid.mp4", settings())
    assert report.warnings == ("converted: subtitle stream 1 (srt, deu) to mov_text",)
    assert report.exit_code == 0
    assert lines(tmp_path / "mid.mp4") == [
        (0, 100, "Guten Tag"),
        (120, 300, "zwei\nZeilen"),
        (300, 450, "Ende"),
    ]
    with av.open(str(tmp_path / "mid.mp4")) as clip:
        assert clip.streams[1].metadata["language"] == "deu"
        assert clip.streams[1].disposition & forced
    process(tmp_path / "mid.mp4", tmp_path / "out.mkv", settings())
    assert [(begin, end) for begin, end, _ in lines(tmp_path / "out.mkv")] == [
        (begin, end) for begin, end, _ in shown
    ]
    assert "<i>Tag</i>" in lines(tmp_path / "out.mkv")[0][2]


def test_lines_that_overlap_are_all_shown(tmp_path):
    shown = [(0, 200, "sign"), (0, 200, "speech"), (100, 400, "song")]
    path = tmp_path / "in.mkv"
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        text = output.add_stream("ass")
        text.codec_context.subtitle_header = HEADER
        for frame in make_frames(times=EVEN):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        for number, (begin, end, words) in enumerate(shown):
            packet = av.Packet(f"{number},0,Default,,0,0,0,,{words}".encode())
            packet.stream, packet.time_base = text, MS
            packet.pts, packet.dts, packet.duration = begin, begin, end - begin
            output.mux(packet)
    process(path, tmp_path / "out.mp4", settings())
    assert lines(tmp_path / "out.mp4") == [
        (0, 100, "sign\nspeech"),
        (100, 200, "sign\nspeech\nsong"),
        (200, 400, "song"),
    ]
    kept = process(path, tmp_path / "out.mkv", settings())
    assert kept.warnings == ()
    assert len(lines(tmp_path / "out.mkv")) == 3


texts = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=8)


@given(texts, st.lists(st.integers(0, 90), max_size=5))
def test_every_tick_shows_what_is_due(given_texts, looks):
    shown = sorted((begin, begin + length) for begin, length in given_texts)
    timeline, made = Timeline(), []
    looks = sorted(looks)
    for number, (begin, end) in enumerate(shown):
        while looks and looks[0] <= begin:
            made += timeline.until(looks.pop(0))
        made += timeline.show(begin, end, str(number))
    made += timeline.rest()
    for tick in range(100):
        due = [str(n) for n, (begin, end) in enumerate(shown) if begin <= tick < end]
        found = [names for begin, end, names in made if begin <= tick < end]
        assert found == ([due] if due else [])
    assert [begin for begin, *_ in made] == sorted({begin for begin, *_ in made})


def samples(path):
    """All samples of the first sound stream, and the time of the first in seconds."""
    with av.open(str(path)) as clip:
        stream = clip.streams.audio[0]
        frames = list(clip.decode(stream))
        data = np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames])
        planar = [frame.to_ndarray() for frame in frames]
        if frames[0].format.is_planar:
            data = np.concatenate(planar, axis=1).T.reshape(-1)
        return data, float(frames[0].pts * frames[0].time_base), stream.codec_context.name


def make_sound(path, codec, rate=8000, seconds=0.48, layout="mono"):
    """A clip with raw sound that not every container takes."""
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        stream = output.add_stream(codec, rate=rate)
        stream.codec_context.layout = layout
        stream.metadata["language"] = "eng"
        for frame in make_frames(times=EVEN):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        wave = (np.sin(np.arange(int(seconds * rate)) / 9) * 20000).astype(np.int16)
        kind = stream.codec_context.codec.audio_formats[0].name
        resampler = av.AudioResampler(kind, layout, rate)
        count = av.AudioLayout(layout).nb_channels
        for start in range(0, len(wave), 500):
            part = wave[None, start : start + 500].repeat(count, 1)
            frame = av.AudioFrame.from_ndarray(part, "s16", layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            for part in resampler.resample(frame):
                output.mux(stream.encode(part))
        output.mux(stream.encode(None))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "codec", "suffix", "becomes"),
    [
        ("avi", "pcm_u8", "mp4", "alac"),
        ("avi", "pcm_mulaw", "mp4", "alac"),
        ("mov", "pcm_s16be", "mp4", None),
        ("mov", "pcm_s24le", "mp4", "alac"),
        ("mov", "pcm_s24le", "mkv", None),
        ("mov", "pcm_mulaw", "mkv", "flac"),
        ("mov", "adpcm_ima_qt", "mkv", "flac"),
        ("avi", "adpcm_ms", "mov", "alac"),
    ],
)
def test_sound_that_a_container_cannot_hold_is_converted_without_a_loss(
    tmp_path, made, codec, suffix, becomes
):
    make_sound(tmp_path / f"in.{made}", codec)
    report = process(tmp_path / f"in.{made}", tmp_path / f"out.{suffix}", settings())
    before, began, _ = samples(tmp_path / f"in.{made}")
    after, begins, name = samples(tmp_path / f"out.{suffix}")
    assert abs(began - begins) < 0.002
    assert name == (becomes or codec)
    assert [done.action for done in report.streams] == [
        "restored",
        "converted" if becomes else "copied",
    ]
    if before.dtype == np.uint8 and becomes:
        before = (before.astype(np.int16) - 128) * 256
    np.testing.assert_array_equal(after, before)
    assert all("converted" in warning for warning in report.warnings)
    assert report.exit_code == 0


@pytest.mark.parametrize(("layout", "count"), [("mono", 1), ("stereo", 2), ("5.1", 6)])
def test_raw_sound_of_matroska_which_names_no_channels_goes_into_mp4(tmp_path, layout, count):
    make_sound(tmp_path / "in.mkv", "pcm_s16le", layout=layout)
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings())
    assert (report.exit_code, report.warnings) == (0, ())
    before, after = samples(tmp_path / "in.mkv")[0], samples(tmp_path / "out.mp4")[0]
    np.testing.assert_array_equal(after, before)
    with av.open(str(tmp_path / "out.mp4")) as clip:
        assert clip.streams.audio[0].codec_context.layout.nb_channels == count


def test_channels_that_mp4_cannot_name_do_not_end_the_run(tmp_path):
    make_sound(tmp_path / "in.mkv", "pcm_s16le", layout="9 channels")
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings())
    assert report.warnings == ("not carried over: audio stream 1 (pcm_s16le, eng)",)


def test_converted_sound_stays_in_sync_when_it_is_cut(tmp_path):
    make_sound(tmp_path / "in.avi", "pcm_u8")
    chosen = settings(start=Fraction(16, 100), end=Fraction(40, 100))
    process(tmp_path / "in.avi", tmp_path / "out.mp4", chosen)
    before, *_ = samples(tmp_path / "in.avi")
    after, begins, _ = samples(tmp_path / "out.mp4")
    before = (before.astype(np.int16) - 128) * 256
    # Where the sound that is there was before: within one packet of 500 samples at its ends.
    place = round((0.16 + begins) * 8000)
    assert 0 <= begins < 500 / 8000
    np.testing.assert_array_equal(after[:1000], before[place : place + 1000])
    assert abs(len(after) - 0.24 * 8000) <= 500 + round(begins * 8000)


def make_rich_clip(path):
    """Sound, text, a font, a cover, chapters and tags in Matroska."""

    def prepare(output, stream):
        output.metadata["title"] = stream.metadata["title"] = "A title"
        stream.metadata["language"] = "fra"
        output.set_chapters(
            [{"id": 1, "start": 0, "end": 300, "time_base": MS, "metadata": {"title": "one"}}]
        )
        output.add_attachment("font.ttf", "font/ttf", b"not really")
        with av.open(str(path.with_name("cover.jpg")), "w", format="image2") as picture:
            cover = picture.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 64, 48, "yuvj420p"
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 99, np.uint8))
            picture.mux(cover.encode(frame))
        data = path.with_name("cover.jpg").read_bytes()
        output.add_attachment("cover.jpg", "image/jpeg", data)

    make_clip(path, audio="flac", prepare=prepare)


def facts(path):
    with av.open(str(path)) as clip:
        kinds = sorted(stream.type for stream in clip.streams)
        video, *_ = clip.streams.video
        tags = clip.metadata.get("title"), video.metadata.get("title")
        return kinds, len(clip.chapters()), tags, video.metadata.get("language")


@pytest.mark.slow
def test_all_is_kept_and_each_switch_leaves_out_its_own(tmp_path):
    path = tmp_path / "in.mkv"
    make_rich_clip(path)
    whole = ["attachment", "audio", "video", "video"], 1, ("A title", "A title"), "fra"
    assert facts(path) == whole
    for keep, wanted in (
        (StreamSettings(), whole),
        (StreamSettings(audio=False), (["attachment", "video", "video"], *whole[1:])),
        (StreamSettings(attachments=False), (["audio", "video"], *whole[1:])),
        (StreamSettings(chapters=False), (whole[0], 0, *whole[2:])),
        (StreamSettings(metadata=False), (*whole[:2], (None, None), "fra")),
    ):
        out = tmp_path / "out.mkv"
        report = process(path, out, settings(streams=keep, overwrite=True))
        assert facts(out) == wanted, keep
        assert report.warnings == ()


def test_subtitles_can_be_left_out(tmp_path):
    make_text_clip(tmp_path / "in.mkv", "subrip", [(0, 100, "Guten Tag")])
    chosen = settings(streams=StreamSettings(subtitles=False))
    report = process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen)
    assert facts(tmp_path / "out.mkv")[0] == ["video"]
    assert [(done.index, done.action) for done in report.streams] == [
        (0, "restored"),
        (1, "left out"),
    ]


def test_a_matroska_cover_is_one_in_mp4_too(tmp_path):
    make_rich_clip(tmp_path / "in.mkv")
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", settings())
    with av.open(str(tmp_path / "out.mp4")) as clip:
        cover = clip.streams.video[1]
        assert cover.disposition & av.stream.Disposition.attached_pic
        assert cover.codec_context.name == "mjpeg"
    assert report.warnings == ("not carried over: attachment stream 2",)
    process(tmp_path / "out.mp4", tmp_path / "back.mkv", settings())
    assert facts(tmp_path / "back.mkv")[0] == ["audio", "video", "video"]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mov", "mp4", "mkv"])
@pytest.mark.parametrize("start", [None, Fraction(2, 10)])
def test_the_timecode_goes_along_and_is_that_of_the_first_frame(tmp_path, suffix, start):
    def prepare(_, stream):
        stream.metadata["timecode"] = "01:02:03:22"

    make_clip(tmp_path / "in.mov", prepare=prepare)
    report = process(tmp_path / "in.mov", tmp_path / f"out.{suffix}", settings(start=start))
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        tags = {key.lower(): value for key, value in clip.streams.video[0].metadata.items()}
        assert tags["timecode"] == ("01:02:03:22" if start is None else "01:02:04:02")
        assert "timecode" not in {key.lower() for key in clip.metadata}
    assert report.warnings == ()
    assert [done.action for done in report.streams] == ["restored", "timecode"]
    again = process(tmp_path / f"out.{suffix}", tmp_path / "again.mkv", settings())
    assert again.warnings == ()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mov", "mkv"])
@pytest.mark.parametrize(("graph", "wanted"), [("bwdif", "01:02:03:44"), ("fps=15", "01:02:03:13")])
def test_the_timecode_counts_the_frames_that_filters_make(tmp_path, suffix, graph, wanted):
    def prepare(_, stream):
        stream.metadata["timecode"] = "01:02:03:22"

    make_clip(tmp_path / "in.mov", prepare=prepare)
    process(tmp_path / "in.mov", tmp_path / f"out.{suffix}", settings(pre_filter=graph))
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        tags = {key.lower(): value for key, value in clip.streams.video[0].metadata.items()}
    assert tags["timecode"] == wanted


def test_old_tags_of_the_file_itself_are_not_taken_over(tmp_path):
    def prepare(output, _):
        output.metadata["major_brand"] = "qt  "

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", settings())
    with av.open(str(tmp_path / "out.mkv")) as clip:
        assert {key.lower() for key in clip.metadata} == {"encoder", "comment"}


def test_sound_is_cut_with_the_picture_within_one_of_its_packets(tmp_path):
    make_clip(tmp_path / "in.mkv", audio="flac", options={"g": "4"})
    chosen = settings(start=Fraction(2, 10), end=Fraction(36, 100))
    process(tmp_path / "in.mkv", tmp_path / "out.mkv", chosen)
    was, now = read(tmp_path / "in.mkv"), read(tmp_path / "out.mkv")
    found = dict(was.sides[1])
    for data, time in now.sides[1]:
        assert abs(found[data] - Fraction(2, 10) - time) <= MS
    first, last = now.sides[1][0][1], now.sides[1][-1][1]
    packet = Fraction(4608, 44100)  # as long as FLAC's packets are
    assert 0 <= first < packet
    assert Fraction(16, 100) - packet <= last < Fraction(16, 100)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["deu", "fra", "swe", "zho", "hrv"])
def test_quicktime_knows_the_language_by_its_own_name(tmp_path, language):
    with av.open(str(tmp_path / "in.mkv"), "w") as output:
        video = output.add_stream("libx264", rate=25)
        video.width, video.height = 64, 48
        encode_audio = add_audio(output, language=language)
        for frame in make_frames():
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        encode_audio()
    process(tmp_path / "in.mkv", tmp_path / "out.mov", settings())
    own = {"deu": "ger", "swe": "sve", "zho": "chi", "hrv": "hr "}
    with av.open(str(tmp_path / "out.mov")) as clip:
        assert clip.streams.audio[0].metadata["language"] == own.get(language, language)


def with_a_second_header(flv):
    """The bytes of an FLV in which AAC's header comes twice, as where an encoder has restarted."""
    position = 13
    while position < len(flv):
        size = int.from_bytes(flv[position + 1 : position + 4])
        whole = flv[position : position + 11 + size + 4]
        if whole[0] == 8 and whole[12] == 0:  # sound; and of AAC: its header
            return flv[: position + len(whole)] + whole + flv[position + len(whole) :]
        position += len(whole)
    raise AssertionError("no header of AAC")


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_header_of_aac_that_is_repeated_breaks_no_file(tmp_path, suffix):
    make_clip(tmp_path / "in.flv", audio="aac")
    whole = read(tmp_path / "in.flv")
    (tmp_path / "in.flv").write_bytes(with_a_second_header((tmp_path / "in.flv").read_bytes()))
    with av.open(str(tmp_path / "in.flv")) as clip:
        assert any(packet.has_sidedata("new_extradata") for packet in clip.demux(audio=0))
    process(tmp_path / "in.flv", tmp_path / f"out.{suffix}", settings())
    with av.logging.Capture(local=False) as said:
        found = read(tmp_path / f"out.{suffix}")
        with av.open(str(tmp_path / f"out.{suffix}")) as clip:
            assert [stream.type for stream in clip.streams] == ["video", "audio"]
            assert sum(frame.samples for frame in clip.decode(audio=0)) > 20000
    assert [line for line in said if line[0] <= av.logging.ERROR] == []
    assert [data for data, _ in found.sides[1]] == [data for data, _ in whole.sides[1]]


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_streams_that_a_file_announces_and_does_not_have_are_named_before_the_work(
    tmp_path, suffix
):
    def prepare(output, _):
        add_audio(output)
        output.add_mux_stream("subrip").metadata["language"] = "ger"

    make_clip(tmp_path / "in.mkv", prepare=prepare)
    plan = make_plan(tmp_path / "in.mkv", tmp_path / f"out.{suffix}", settings())
    said = "not carried over, having no packets: audio stream 1 (aac, eng), subtitle stream 2"
    assert plan.warnings == (f"{said} (srt, ger)",)
    report = run(plan)
    assert report.warnings == plan.warnings
    assert [done.action for done in report.streams] == ["restored", "empty", "empty"]
    with av.open(str(tmp_path / f"out.{suffix}")) as clip:
        assert [stream.type for stream in clip.streams] == ["video"]


def test_sound_that_ends_before_the_range_is_named(tmp_path):
    make_clip(tmp_path / "in.mkv", audio="aac", times=tuple(1024 * n for n in range(12)))
    chosen = settings(start=Fraction(3, 4))
    report = process(tmp_path / "in.mkv", tmp_path / "out.mp4", chosen)
    said = "not carried over: audio stream 1 (aac, eng), which holds no sound of the range"
    assert report.warnings == (said,)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_text_that_is_shown_when_the_range_begins_is_kept(tmp_path, suffix):
    """The first one has begun long before; the second has ended."""
    path = tmp_path / "in.mkv"
    shown = [(0, 8600, "long"), (100, 7900, "over"), (8200, 8400, "new")]
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=25, options={"g": "1"})
        video.width, video.height = 64, 48
        video.time_base = video.codec_context.time_base = TICK
        write = add_text(output, "subrip", shown)
        for frame in make_frames(times=tuple(n * 12800 for n in range(10))):
            output.mux(video.encode(to_picture(frame, "yuv420p")))
        output.mux(video.encode(None))
        write()
    process(path, tmp_path / f"out.{suffix}", settings(start=Fraction(8)))
    found = lines(tmp_path / f"out.{suffix}")
    if suffix == "mp4":  # one at a time
        assert [(begin, end) for begin, end, _ in found] == [(0, 200), (200, 400), (400, 600)]
    else:
        assert [(begin, end) for begin, end, _ in found] == [(0, 600), (200, 400)]
    assert "long" in found[0][2]
    assert not any("over" in text for _, _, text in found)
