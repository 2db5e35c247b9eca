"""What each function does to pictures that are known, and that the documentation is true."""

import re
from fractions import Fraction
from pathlib import Path

import av
import ffmpeg
import numpy as np
import pytest

import ffmpeg_filters
from ffmpeg_filters import (
    DEINTERLACERS,
    IN_BOTH,
    PRESETS,
    PROGRAM_ONLY,
    GraphError,
    InProcess,
    Video,
    apply,
    filters,
    graph_of,
    read,
)

DOCS = Path(__file__).parents[2] / "docs" / "filters.md"
RNG = np.random.default_rng(5)
FUNCTIONS = {
    name: function
    for name, function in vars(filters).items()
    if callable(function) and function.__module__ == filters.__name__
}
GIVEN = {
    "letterbox": {"width": 128, "height": 72},
    "scale": {"height": 24},
    "lut": {"file": "some.cube"},
}
TWO = {"side_by_side", "wipe"}


def graph(name, **options):
    function = FUNCTIONS[name]
    options = GIVEN.get(name, {}) | options
    if name in TWO:
        return graph_of(function(ffmpeg.input("a"), ffmpeg.input("b"), **options))
    return graph_of(lambda stream: function(stream, **options))


def moving(count=16, size=(96, 128)):
    """Smooth pictures that move sideways by a few pixels each."""
    y, x = np.mgrid[: size[0], : size[1]]
    for n in range(count):
        wave = np.sin((x + 5 * n) / 6) * np.cos((y + 2 * n) / 9)
        yield (128 + 80 * wave).astype(np.uint8)


def run(name, arrays, pix_fmt="gray", rate=25, **options):
    return list(apply(graph(name, **options), arrays, pix_fmt=pix_fmt, rate=rate))


def far(a, b):
    return float(np.mean((np.asarray(a, float) - np.asarray(b, float)) ** 2))


def woven(film):
    """Two pictures in each, top field first."""
    for first, second in zip(film[::2], film[1::2], strict=False):
        both = first.copy()
        both[1::2] = second[1::2]
        yield both


@pytest.mark.parametrize("method", ["bwdif", "w3fdif", "estdif", "yadif"])
def test_a_picture_of_each_field(method):
    film = list(moving(17))
    fields = list(woven(film))
    found = run("deinterlace", fields, order="tff", method=method)
    assert len(found) == 2 * len(fields)
    for n in range(2, 12):
        assert np.array_equal(found[n][n % 2 :: 2], film[n][n % 2 :: 2])
        assert far(found[n], film[n]) < 0.1 * far(fields[n // 2], film[n])
    assert len(run("deinterlace", fields, each="frame", method=method)) == len(fields)


@pytest.mark.parametrize("method", ["fieldmatch", "pullup"])
def test_the_films_own_pictures_come_back(method, request):
    if method == "pullup":
        request.getfixturevalue("program")
    film = list(moving(48))
    telecined = list(apply("telecine=first_field=top:pattern=23", film, pix_fmt="gray", rate=24))
    assert len(telecined) == 60
    rate = Fraction(30000, 1001)
    found = run("inverse_telecine", telecined, rate=rate, order="tff", method=method)
    missing = 2 if method == "pullup" else 0  # at its beginning and its end
    assert 48 - missing <= len(found) <= 48
    best = [min(range(48), key=lambda n: far(film[n], picture)) for picture in found[4:44]]
    assert best == list(range(best[0], best[0] + 40))
    assert all(far(film[n], picture) < 1 for n, picture in zip(best, found[4:44], strict=True))


def test_a_gap_is_filled_before_one_in_five_is_dropped():
    """What drops frames counts them: without this, sound would run away behind a gap."""
    video = Video(
        width=128,
        height=96,
        pix_fmt="gray",
        time_base=Fraction(1001, 30000),
        rate=Fraction(30000, 1001),
    )

    def pictures():
        for n, array in enumerate(moving(60)):
            picture = av.VideoFrame.from_ndarray(array, format="gray")
            picture.pts, picture.time_base = n + (30 if n >= 30 else 0), video.time_base
            yield picture

    found = list(InProcess().run(graph("inverse_telecine"), [(video, pictures())]))
    assert float(found[-1].pts * Fraction(str(found[-1].time_base))) == pytest.approx(
        89 / 29.97, abs=0.1
    )


@pytest.mark.parametrize("strength", ["weak", "strong"])
def test_block_edges_become_smaller(strength):
    coarse = np.kron(RNG.integers(110, 122, (12, 16)), np.ones((8, 8))).astype(np.uint8)
    (found,) = run("deblock", [coarse], strength=strength)
    edges = [np.abs(np.diff(a.astype(int), axis=1))[:, 7::8].mean() for a in (coarse, found)]
    assert edges[1] < 0.7 * edges[0]


def test_bands_become_slopes():
    bands = np.repeat(np.arange(400, 400 + 8 * 4, 4), 16)[None].repeat(96, 0).astype(np.uint16)
    planes = np.concatenate([bands.ravel(), np.full(2 * 48 * 64, 512)]).astype(np.uint16)
    (found,) = run("deband", [planes.reshape(144, 128)], pix_fmt="yuv420p10le")
    luma = found[:96]
    assert len(np.unique(luma)) > 1.5 * len(np.unique(bands))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("denoise_spatial", {"method": "fftdnoiz", "strength": 6}),
        ("denoise_spatial", {"method": "nlmeans", "strength": 6}),
        ("denoise_temporal", {"strength": 4}),
        ("degrain", {"strength": 8}),
        ("denoise_spatial", {"method": "vaguedenoiser", "strength": 6}),
        ("denoise_temporal", {"method": "hqdn3d", "strength": 2}),
    ],
)
def test_noise_goes_and_the_picture_stays(name, options, request):
    if options.get("method") in PROGRAM_ONLY:
        request.getfixturevalue("program")
    clean = next(moving())
    given = [
        np.clip(clean + RNG.normal(0, 6, clean.shape), 0, 255).astype(np.uint8) for _ in range(9)
    ]
    found = run(name, given, **options)
    assert len(found) == 9
    assert far(found[4], clean) < 0.5 * far(given[4], clean)


def test_colour_noise_goes_and_the_light_is_untouched():
    luma = next(moving())
    chroma = RNG.integers(118, 139, (48, 128)).astype(np.uint8)
    (found,) = run("denoise_chroma", [np.concatenate([luma, chroma])], pix_fmt="yuv420p")
    assert np.array_equal(found[:96], luma)
    assert found[96:].std() < 0.8 * chroma.std()


def test_grain_is_new_in_each_picture_and_the_same_in_each_run():
    flat = [np.full((96, 128), 128, np.uint8)] * 4
    first, second = run("regrain", flat), run("regrain", flat)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], first[1])
    assert 1 < first[0].std() < 10
    assert not np.array_equal(first[0], run("regrain", flat, seed=2)[0])


def test_what_is_there_once_only_is_dirt():
    clean = [np.full((96, 128), 100, np.uint8) for _ in range(7)]
    dirty = [picture.copy() for picture in clean]
    dirty[3][40:44, 60:64] = 255
    assert np.array_equal(run("remove_dirt", dirty)[3], clean[3])


def test_brightness_becomes_even():
    levels = [100 + 20 * (n % 2) for n in range(12)]
    found = run("deflicker", [np.full((96, 128), level, np.uint8) for level in levels])
    means = [picture.mean() for picture in found]
    assert np.ptp(means[3:9]) < 0.5 * np.ptp(levels)


@pytest.mark.parametrize("method", ["cas", "unsharp"])
def test_edges_become_steeper(method):
    soft = next(moving())
    (found,) = run("sharpen", [soft], method=method, strength=0.8)
    assert found.std() > soft.std()


def test_edges_are_cut_and_borders_put_on():
    picture = next(moving())
    (cut,) = run("crop", [picture], left=3, right=5, top=7, bottom=2)
    assert np.array_equal(cut, picture[7:-2, 3:-5])
    (framed,) = run("pad", [picture], left=4, top=6, right=2, bottom=8)
    assert framed.shape == (110, 134)
    assert np.array_equal(framed[6:-8, 4:-2], picture)


def test_a_letterbox_heeds_the_shape_of_samples():
    wide = Video(
        width=720,
        height=576,
        pix_fmt="yuv420p",
        time_base=1,
        rate=1,
        sample_aspect_ratio=Fraction(16, 15),
    )
    made = InProcess().describe(graph("letterbox", width=1920, height=1080), [wide])
    assert (made.width, made.height, made.sample_aspect_ratio) == (1920, 1080, 1)
    white = [np.full((96, 128), 255, np.uint8)]
    (found,) = run("letterbox", white, width=256, height=96)
    assert (found[:, 70:186] > 250).all()
    assert (found[:, :56] < 20).all()


def test_scale_follows_the_shape():
    (found,) = run("scale", [next(moving())], height=48)
    assert found.shape == (48, 64)
    with pytest.raises(GraphError, match="width or a height"):
        FUNCTIONS["scale"](ffmpeg.input("a"))


@pytest.mark.slow
@pytest.mark.parametrize("by", ["scale", "zscale"])
def test_pq_becomes_standard_range(by, request):
    """Reference white, 203 cd/m2 (BT.2408), is code 594 of 10 bits full, 573 limited in PQ."""
    pq = Video(
        width=64, height=48, pix_fmt="yuv420p10le", time_base=Fraction(1), rate=Fraction(1),
        colorspace=9, color_primaries=9, color_trc=16, color_range=1,
    )  # fmt: skip
    pictures = []
    for number, code in enumerate((64, 300, 573, 800)):
        picture = av.VideoFrame(64, 48, "yuv420p10le")
        for index, plane in enumerate(picture.planes):
            np.frombuffer(plane, np.uint16)[:] = 512 if index else code
        picture.pts, picture.colorspace, picture.color_primaries = number, 9, 9
        picture.color_trc, picture.color_range = 16, 1
        pictures.append(picture)
    runner = request.getfixturevalue("program") if by == "zscale" else InProcess()
    levels = []
    for found in runner.run(graph("tone_map", by=by), [(pq, pictures)]):
        assert (found.format.name, found.colorspace, found.color_trc) == ("yuv420p", 1, 1)
        levels.append(
            float(np.frombuffer(found.planes[0], np.uint8).reshape(48, -1)[:, :64].mean())
        )
    assert len(levels) == 4
    assert levels == sorted(levels)
    assert levels[0] < 20
    assert 140 < levels[2] < 236
    assert levels[3] <= 235


def test_a_table_of_colours(tmp_path):
    inverse = ["LUT_3D_SIZE 2"]
    inverse += [f"{1 - r} {1 - g} {1 - b}" for b in (0, 1) for g in (0, 1) for r in (0, 1)]
    (tmp_path / "it's.cube").write_text("\n".join(inverse) + "\n")
    picture = RNG.integers(0, 255, (48, 64, 3)).astype(np.uint8)
    (found,) = run("lut", [picture], pix_fmt="rgb24", file=tmp_path / "it's.cube")
    assert np.abs(found.astype(int) - (255 - picture.astype(int))).max() <= 1


@pytest.mark.parametrize("name", sorted(TWO))
def test_two_clips_in_one_picture(tmp_path, name):
    for clip, level in (("dark.mkv", 40), ("light.mkv", 200)):
        with av.open(str(tmp_path / clip), "w") as output:
            stream = output.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "gray"
            for n in range(5):
                picture = av.VideoFrame.from_ndarray(
                    np.full((48, 64), level, np.uint8), format="gray"
                )
                picture.pts = n
                output.mux(stream.encode(picture))
            output.mux(stream.encode(None))
    two = (ffmpeg.input(str(tmp_path / clip)) for clip in ("dark.mkv", "light.mkv"))
    options = {"seconds": 0} if name == "wipe" else {}
    found = [picture.to_ndarray() for picture in read(FUNCTIONS[name](*two, **options))]
    assert len(found) == 5
    columns = found[2].shape[1]
    assert columns == (128 if name == "side_by_side" else 64)
    assert (found[2][:, : columns // 2] == 40).all()
    assert (found[2][:, columns // 2 :] == 200).all()


def test_an_edge_that_moves():
    """From the middle at first to one side after half of the time, and to the other one."""
    feeds = []
    for level in (40, 200):
        video = Video(width=64, height=48, pix_fmt="gray", time_base=Fraction(1, 4), rate=4)
        pictures = []
        for n in range(5):
            flat = np.full((48, 64), level, np.uint8)
            pictures.append(av.VideoFrame.from_ndarray(flat, format="gray"))
            pictures[-1].pts, pictures[-1].time_base = n, video.time_base
        feeds.append((video, pictures))
    found = InProcess().run(graph("wipe", seconds=1), feeds)
    shares = [float((picture.to_ndarray() == 40).mean()) for picture in found]
    assert shares == [0.5, 0.25, 0, 0.25, 0.5]
    with pytest.raises(GraphError, match="use 0 or more"):
        graph("wipe", seconds=-1)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_run_and_keep_size_and_depth(name):
    video = Video(width=128, height=96, pix_fmt="yuv422p", time_base=1, rate=Fraction(30000, 1001))
    made = InProcess().describe(graph_of(PRESETS[name]), [video])
    assert (made.width, made.height) == (128, 96)
    rates = {"vhs": 2, "dvd_interlaced": 2, "anime_dvd": Fraction(4, 5)}
    assert made.rate / video.rate == rates.get(name, 1)
    assert bool(graph_of(PRESETS[name]).filters & DEINTERLACERS) == (name in rates)


def test_the_documentation_says_what_each_rests_on():
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", DOCS.read_text(), re.MULTILINE)
    said = {name: set(re.findall(r"`(\w+)`", rests)) for name, rests in rows}
    assert said.keys() == FUNCTIONS.keys() | PRESETS.keys()
    for name in FUNCTIONS:
        assert graph(name).filters <= said[name], name
        assert said[name] <= IN_BOTH | PROGRAM_ONLY
    for name, preset in PRESETS.items():
        assert graph_of(preset).filters == said[name]


def test_all_public_names_are_exported():
    assert set(FUNCTIONS) <= set(ffmpeg_filters.__all__)
    assert all(hasattr(ffmpeg_filters, name) for name in ffmpeg_filters.__all__)
