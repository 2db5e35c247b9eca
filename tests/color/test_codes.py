from dataclasses import replace
from math import floor

import av
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.strategies import LOCATIONS, formats, frame_format
from vs_gendrpix.color.codes import from_rgb, to_rgb
from vs_gendrpix.errors import MediaError

KR_KB = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}


def random_planes(form, seed, low=0, high=None):
    rng = np.random.default_rng(seed)
    high = 2**form.layout.bits - 1 if high is None else high
    return tuple(
        torch.from_numpy(rng.integers(low, high, shape, endpoint=True).astype(form.dtype))[None]
        for shape in form.plane_shapes
    )


# --- An independent reference in float64: matrices inverted by numpy, chroma one sample at a time.


def forward_matrix(matrix):
    kr, kb = KR_KB[matrix]
    luma = np.array([kr, 1 - kr - kb, kb])
    blue = (np.array([0, 0, 1]) - luma) / (2 - 2 * kb)
    red = (np.array([1, 0, 0]) - luma) / (2 - 2 * kr)
    return np.stack([luma, blue, red])


def level(form, *, chroma):
    if form.color.full_range:
        return (2**form.layout.bits - 1, 2 ** (form.layout.bits - 1) if chroma else 0)
    step = 2 ** (form.layout.bits - 8)
    return (224 * step, 128 * step) if chroma else (219 * step, 16 * step)


def siting(location, axis):
    if axis == 1:
        return 0.0 if "left" in location else 0.5
    return {"top": 0.0, "topleft": 0.0, "left": 0.5, "center": 0.5}.get(location, 1.0)


def keys_cubic(x):
    x = np.abs(x)
    inner = 1.5 * x**3 - 2.5 * x**2 + 1
    outer = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, inner, np.where(x < 2, outer, 0))


def weights(size_in, size_out, factor, offset, *, down):
    """The (out, in) matrix of a resampling whose input goes on as its last sample."""
    matrix = np.zeros((size_out, size_in))
    for i in range(size_out):
        centre = factor * i + offset if down else (i - offset) / factor
        width = factor if down else 1
        positions = np.arange(floor(centre - 2 * width), floor(centre + 2 * width) + 2)
        taps = keys_cubic((positions - centre) / width)
        for position, tap in zip(positions, taps / taps.sum(), strict=True):
            matrix[i, np.clip(position, 0, size_in - 1)] += tap
    return matrix


def resample(plane, form, *, down):
    luma, chroma = form.plane_shapes[:2]
    size_out = chroma if down else luma
    for axis, log2 in ((0, form.layout.subsampling[1]), (1, form.layout.subsampling[0])):
        if log2:
            offset = siting(form.color.chroma_location, axis) * (2**log2 - 1)
            matrix = weights(plane.shape[axis], size_out[axis], 2**log2, offset, down=down)
            plane = np.apply_along_axis(lambda line, m=matrix: m @ line, axis, plane)
    return plane


def reference_decode(planes, form):
    values = []
    for i, plane in enumerate(planes):
        scale, offset = level(form, chroma=form.layout.family == "yuv" and i > 0)
        values.append((plane.numpy()[0].astype(np.float64) - offset) / scale)
    if form.layout.family == "gray":
        return np.stack(values * 3)
    if form.layout.family == "rgb":
        return np.stack(values)
    ycc = np.stack([values[0], *(resample(plane, form, down=False) for plane in values[1:])])
    return np.einsum("ij,jhw->ihw", np.linalg.inv(forward_matrix(form.color.matrix)), ycc)


def reference_encode(rgb, form):
    """Code values before they become whole numbers, not clamped."""
    if form.layout.family == "rgb":
        scale, offset = level(form, chroma=False)
        return [plane * scale + offset for plane in rgb]
    ycc = np.einsum("ij,jhw->ihw", forward_matrix(form.color.matrix), rgb)
    codes = []
    for i, plane in enumerate(ycc[: len(form.plane_shapes)]):
        scale, offset = level(form, chroma=i > 0)
        codes.append((resample(plane, form, down=True) if i else plane) * scale + offset)
    return codes


@pytest.mark.slow
@settings(max_examples=150)
@given(formats(), st.integers(0, 2**32 - 1))
def test_to_rgb_is_the_reference(form, seed):
    planes = random_planes(form, seed)
    rgb = to_rgb(planes, form)
    assert rgb.shape == (1, 3, form.height, form.width)
    assert rgb.dtype == torch.float32
    np.testing.assert_allclose(rgb[0].numpy(), reference_decode(planes, form), atol=4e-6)


@settings(max_examples=150)
@given(formats(), st.integers(0, 2**32 - 1))
def test_from_rgb_is_the_reference_within_one_code(form, seed):
    rgb = np.random.default_rng(seed).uniform(-0.1, 1.1, (3, form.height, form.width))
    planes = from_rgb(torch.from_numpy(rgb.astype(np.float32))[None], form)
    assert tuple(plane.shape[1:] for plane in planes) == form.plane_shapes
    for plane, exact in zip(planes, reference_encode(rgb, form), strict=True):
        codes = plane.numpy()
        assert codes.dtype == form.dtype
        wanted = np.clip(exact, 0, 2**form.layout.bits - 1)
        slack = 1e-6 * 2**form.layout.bits
        assert np.all(np.abs(codes[0].astype(np.float64) - wanted) < 1 + slack)


@pytest.mark.parametrize("matrix", sorted(KR_KB))
@pytest.mark.parametrize("full_range", [False, True])
def test_legal_8_bit_yuv444_survives_the_round_trip(matrix, full_range):
    form = frame_format(512, 512, matrix=matrix, full_range=full_range)
    luma, chroma = ((0, 255), (0, 255)) if full_range else ((16, 235), (16, 240))
    planes = (
        random_planes(form, 1, *luma)[0],
        *random_planes(form, 2, *chroma)[1:],
    )
    for before, after in zip(planes, from_rgb(to_rgb(planes, form), form), strict=True):
        assert torch.equal(before, after)


@pytest.mark.parametrize("family", ["rgb", "gray"])
@pytest.mark.parametrize("bits", [8, 9, 10, 12, 14])
def test_rgb_and_gray_survive_the_round_trip(family, bits):
    form = frame_format(64, 48, family, bits, full_range=family == "rgb", matrix=family == "gray")
    planes = random_planes(form, bits)
    for before, after in zip(planes, from_rgb(to_rgb(planes, form), form), strict=True):
        assert np.array_equal(before.numpy(), after.numpy())


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_codes_above_8_bits_survive_the_round_trip_within_one(bits):
    form = frame_format(64, 48, bits=bits)
    planes = random_planes(form, 3, 16 << bits - 8, 235 << bits - 8)
    for before, after in zip(planes, from_rgb(to_rgb(planes, form), form), strict=True):
        error = np.abs(after.numpy().astype(int) - before.numpy().astype(int))
        assert error.max() <= (1 if bits == 16 else 0)


@pytest.mark.parametrize("subsampling", [(1, 1), (1, 0), (2, 0), (2, 2)])
def test_a_flat_picture_of_legal_codes_survives_subsampling_exactly(subsampling):
    form = frame_format(45, 31, bits=10, subsampling=subsampling)
    planes = tuple(
        torch.from_numpy(np.full((1, *shape), code, np.uint16))
        for shape, code in zip(form.plane_shapes, (300, 400, 700), strict=True)
    )
    for before, after in zip(planes, from_rgb(to_rgb(planes, form), form), strict=True):
        assert np.array_equal(before.numpy(), after.numpy())


def test_black_white_and_grey_are_exact():
    form = frame_format(3, 1, bits=10)
    luma = torch.tensor([[[64, 940, 502]]], dtype=torch.int32).to(torch.uint16)
    neutral = torch.full((1, 1, 3), 512, dtype=torch.int32).to(torch.uint16)
    rgb = to_rgb((luma, neutral, neutral), form)
    assert rgb[0, :, 0, :2].tolist() == [[0, 1]] * 3
    assert torch.equal(rgb[:, 0], rgb[:, 1])
    assert torch.equal(rgb[:, 0], rgb[:, 2])


def test_codes_beyond_black_and_white_are_kept():
    form = frame_format(2, 1, "gray")
    rgb = to_rgb((torch.tensor([[[0, 255]]], dtype=torch.uint8),), form)
    assert rgb[0, 0, 0].tolist() == pytest.approx([-16 / 219, 239 / 219])


@pytest.mark.parametrize("subsampling", [(1, 1), (1, 0), (2, 2)])
@pytest.mark.parametrize("location", LOCATIONS)
def test_a_chroma_ramp_is_not_shifted(location, subsampling):
    """Green stays as it is; the ramp in blue is linear in x and y, so is its chroma."""
    size = 64
    form = frame_format(size, size, bits=16, subsampling=subsampling, chroma_location=location)
    row, column = np.mgrid[:size, :size] / size
    ramp = 0.2 + 0.3 * column + 0.3 * row
    rgb = torch.from_numpy(np.stack([ramp * 0 + 0.5, ramp * 0 + 0.5, ramp])[None])
    planes = from_rgb(rgb.to(torch.float32), form)

    scale, offset = level(form, chroma=True)
    blue = (planes[1][0].numpy() - np.float64(offset)) / scale
    rows, columns = (np.arange(n, dtype=np.float64) for n in blue.shape)
    x = columns * 2 ** subsampling[0] + siting(location, 1) * (2 ** subsampling[0] - 1)
    y = rows * 2 ** subsampling[1] + siting(location, 0) * (2 ** subsampling[1] - 1)
    at_sample = 0.2 + 0.3 * x / size + 0.3 * y[:, None] / size
    inner = slice(2, -2)
    wanted = (at_sample - 0.5) * (1 - 0.0722) / (2 - 2 * 0.0722)
    np.testing.assert_allclose(blue[inner, inner], wanted[inner, inner], atol=1e-4)

    again = to_rgb(planes, form)[0, 2].numpy()
    inner = slice(16, -16)
    np.testing.assert_allclose(again[inner, inner], ramp[inner, inner], atol=2e-4)


def test_dither_keeps_the_mean_between_two_codes():
    form = frame_format(64, 64, "gray", full_range=True)
    for fraction in (0.1, 0.25, 0.5, 0.8):
        rgb = torch.full((1, 3, 64, 64), (100 + fraction) / 255)
        codes = from_rgb(rgb, form)[0].to(torch.float32)
        assert set(codes.unique().tolist()) == {100, 101}
        windows = codes.view(4, 16, 4, 16).mean((1, 3))
        assert (windows - 100 - fraction).abs().max() < 0.04


def test_dither_has_no_energy_on_the_lattice_of_8_pixels():
    form = frame_format(256, 256, "gray", full_range=True)
    codes = from_rgb(torch.full((1, 3, 256, 256), 100.37 / 255), form)[0].to(torch.float32)
    spectrum = torch.fft.fft2(codes[0] - codes.mean()).abs()
    assert spectrum[::32, ::32].mean() < spectrum.mean()


def test_dither_is_fixed():
    form = frame_format(33, 17, subsampling=(1, 1))
    rgb = torch.rand(1, 3, 17, 33, generator=torch.Generator().manual_seed(0))
    for first, second in zip(from_rgb(rgb, form), from_rgb(rgb.clone(), form), strict=True):
        assert torch.equal(first, second)


def test_a_batch_is_its_pictures():
    form = frame_format(10, 6, subsampling=(1, 1))
    planes = [random_planes(form, seed) for seed in range(2)]
    both = to_rgb([torch.cat(pair) for pair in zip(*planes, strict=True)], form)
    for i in range(2):
        assert torch.equal(both[i : i + 1], to_rgb(planes[i], form))


@pytest.mark.parametrize(("family", "matrix"), [("yuv", 2), ("yuv", 0), ("yuv", 10), ("gray", 14)])
def test_an_unknown_matrix_is_refused(family, matrix):
    form = frame_format(4, 4, family, matrix=matrix)
    with pytest.raises(MediaError, match=f"matrix {matrix} are not supported: use one of 1, 4"):
        from_rgb(torch.zeros(1, 3, 4, 4), form)


def test_an_unknown_subsampling_is_refused():
    form = frame_format(16, 16, subsampling=(3, 0))
    with pytest.raises(MediaError, match="subsampled by 8"):
        to_rgb(random_planes(form, 0), form)


@pytest.mark.parametrize(("matrix", "name"), [(1, "ITU709"), (5, "ITU601")])
def test_a_smooth_picture_looks_as_libswscale_has_it(matrix, name):
    form = frame_format(128, 96, subsampling=(1, 1), matrix=matrix)
    frame = av.VideoFrame(128, 96, "yuv420p")
    planes = []
    for i, (rows, columns) in enumerate(form.plane_shapes):
        y, x = np.mgrid[:rows, :columns] / max(rows, columns)
        codes = (60 + 100 * x + 60 * (y if i else 1 - y)).astype(np.uint8)
        plane = frame.planes[i]
        padded = np.zeros((plane.height, plane.line_size), np.uint8)
        padded[:, :columns] = codes
        plane.update(padded.tobytes())
        planes.append(torch.from_numpy(codes)[None])
    wanted = frame.reformat(
        format="rgb24", src_colorspace=name, src_color_range="MPEG", dst_color_range="JPEG"
    ).to_ndarray()
    ours = to_rgb(planes, form)[0].clamp(0, 1).permute(1, 2, 0).numpy() * 255
    assert np.abs(ours - wanted).mean() < 1.5
    assert np.abs(ours - wanted).max() < 8


@pytest.mark.parametrize("bits", [16, 32])
@pytest.mark.parametrize("subsampling", [(0, 0), (1, 1)])
def test_float_planes_are_the_integer_ones_normalised(bits, subsampling):
    """Float luma is 0 to 1 and chroma around 0, whatever the range says."""
    integer = frame_format(24, 16, bits=16, subsampling=subsampling, full_range=True)
    codes = random_planes(integer, 5)
    floating = replace(integer, layout=replace(integer.layout, bits=bits, floating=True))
    floating = replace(floating, color=replace(floating.color, full_range=False))
    planes = [
        ((plane.double() - (number > 0) * 2**15) / (2**16 - 1)).float()
        for number, plane in enumerate(codes)
    ]
    kept = [plane.to(torch.float16 if bits == 16 else torch.float32) for plane in planes]
    tolerance = 3e-3 if bits == 16 else 2e-6
    rgb = to_rgb(kept, floating)
    torch.testing.assert_close(rgb, to_rgb(codes, integer), atol=tolerance, rtol=0)
    back = from_rgb(rgb, floating)
    assert {plane.dtype for plane in back} == {kept[0].dtype}
    if subsampling == (0, 0):
        for plane, other in zip(back, kept, strict=True):
            torch.testing.assert_close(plane, other, atol=tolerance, rtol=0)


def test_float_rgb_is_neither_dithered_nor_clamped():
    form = frame_format(8, 8, "rgb", 32, floating=True)
    rgb = torch.linspace(-0.5, 1.5, 192).reshape(1, 3, 8, 8)
    planes = from_rgb(rgb, form)
    assert torch.equal(torch.stack(planes, 1), rgb)
    assert torch.equal(to_rgb(planes, form), rgb)


@pytest.mark.parametrize(("bits", "floating"), [(8, True), (24, True), (32, False)])
def test_depths_that_do_not_exist_are_refused(bits, floating):
    with pytest.raises(MediaError, match="not supported"):
        frame_format(8, 8, "gray", bits, floating=floating)
