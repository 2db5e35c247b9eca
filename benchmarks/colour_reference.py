"""Reference for colour conversions: H.273 in float64, sharing no code with the package.

Planes are moved by linear interpolation, which is exact on flat patches and on ramps.
"""

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

Planes = list[np.ndarray]

LUMA_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 7: (0.212, 0.087)}
LUMA_WEIGHTS[9] = (0.2627, 0.0593)
CHROMATICITIES = {
    1: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: ((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
}
D65 = (0.3127, 0.3290)
DISPLAY_GAMMA = 2.4


def family(pix_fmt: str) -> str:
    """Name the family of a pixel format: gray, yuv or rgb."""
    return "gray" if "gray" in pix_fmt else "rgb" if set("rgb") <= set(pix_fmt) else "yuv"


def subsampling(pix_fmt: str) -> tuple[int, int]:
    """Count the luma columns and rows for each chroma sample of a pixel format."""
    known = {"422": (2, 1), "444": (1, 1), "411": (4, 1), "410": (4, 4), "440": (1, 2)}
    known |= {"420": (2, 2), "nv12": (2, 2), "v210": (2, 1)}
    return next((steps for name, steps in known.items() if name in pix_fmt), (1, 1))


def depth(pix_fmt: str) -> int:
    """Count the bits per sample of a pixel format."""
    return next((bits for bits in (10, 12, 16) if pix_fmt.endswith(f"{bits}le")), 8)


def siting(location: int) -> tuple[float, float]:
    """Place of a chroma sample in its cell, 0 to 1 across and down, by FFmpeg's number."""
    return {0: (0, 0.5), 1: (0, 0.5), 2: (0.5, 0.5), 3: (0, 0), 4: (0.5, 0)}[location]


def positions(size: int, step: int, place: float) -> np.ndarray:
    """List the positions of a plane's samples along one axis, in luma samples."""
    return np.arange(-(-size // step)) * step + place * (step - 1)


def levels(bits: int, chroma: bool, full: bool) -> tuple[float, float]:
    """Return the number of codes between value 0 and 1, and the code of 0."""
    unit = 2 ** (bits - 8)
    if full:
        return 2**bits - 1, 128 * unit if chroma else 0
    return (224 * unit, 128 * unit) if chroma else (219 * unit, 16 * unit)


def stretch(
    plane: np.ndarray, was: tuple[np.ndarray, ...], now: tuple[np.ndarray, ...]
) -> np.ndarray:
    """Resample a plane at other positions, across and down."""
    across = np.stack([np.interp(now[0], was[0], row) for row in plane])
    return np.stack([np.interp(now[1], was[1], column) for column in across.T], 1)


def yuv_matrix(number: int) -> np.ndarray:
    """Compute the (3, 3) matrix from R'G'B' to Y', Cb, Cr."""
    kr, kb = LUMA_WEIGHTS[number]
    luma = np.array([kr, 1 - kr - kb, kb])
    return np.stack([luma, ([0, 0, 1] - luma) / (2 - 2 * kb), ([1, 0, 0] - luma) / (2 - 2 * kr)])


def gamut(source: int, target: int) -> np.ndarray:
    """Compute the (3, 3) matrix from linear RGB of one set of primaries to another."""

    def to_xyz(number: int) -> np.ndarray:
        xyz = [np.array([x, y, 1 - x - y]) / y for x, y in (*CHROMATICITIES[number], D65)]
        colors = np.stack(xyz[:3], 1)
        return colors * np.linalg.solve(colors, xyz[3])

    return np.linalg.solve(to_xyz(target), to_xyz(source))


@dataclass(frozen=True)
class Meaning:
    """The colour properties that a file states for its codes."""

    pix_fmt: str
    matrix: int
    primaries: int
    transfer: int
    full: bool
    location: int

    @classmethod
    def of(cls, picture: av.VideoFrame) -> "Meaning":
        """Read the properties of a decoded picture, with the usual defaults for few lines."""
        name = picture.format.name
        grey_full = family(name) == "gray" and not picture.color_range
        matrix, primaries, transfer = (
            int(value) for value in (picture.colorspace, picture.color_primaries, picture.color_trc)
        )
        if family(name) != "rgb":
            matrix = 6 if matrix in {0, 2} else matrix
            usual = {1: (1, 1), 5: (5, 6), 6: (6, 6), 9: (9, 14)}.get(matrix, (2, 2))
            primaries = usual[0] if primaries == 2 else primaries
            transfer = usual[1] if transfer == 2 else transfer
        return cls(
            name,
            matrix,
            primaries,
            transfer,
            picture.color_range == 2 or "yuvj" in name or family(name) == "rgb" or grey_full,
            int(picture.chroma_location),
        )


def planes_of(picture: av.VideoFrame) -> Planes:
    """Return the code values of a picture, in the order Y, Cb, Cr or R, G, B."""
    name = picture.format.name
    if name == "nv12":
        picture, name = picture.reformat(format="yuv420p"), "yuv420p"
    if name in {"rgb24", "bgr0", "gbrp"}:
        array = picture.to_ndarray(format="rgb24")
        return [array[..., index] for index in range(3)]
    kind = np.uint8 if depth(name) == 8 else np.uint16
    made = []
    for plane in picture.planes:
        rows = np.frombuffer(plane, kind).reshape(plane.height, -1)
        made.append(rows[:, : plane.width])
    return [made[2], made[0], made[1]] if family(name) == "rgb" else made


def expected(planes: Planes, source: Meaning, target: Meaning, scale: Fraction) -> Planes:
    """Compute the codes of the target, not rounded."""
    kind, bits = family(source.pix_fmt), depth(source.pix_fmt)
    rows, columns = planes[0].shape
    grid = (np.arange(columns, dtype=float), np.arange(rows, dtype=float))
    values = []
    for index, plane in enumerate(planes):
        chroma = kind == "yuv" and index > 0
        scale_in, offset = levels(bits, chroma, source.full)
        value = (plane.astype(float) - offset) / scale_in
        if chroma:
            value = stretch(value, chroma_grid(source, columns, rows), grid)
        values.append(value)
    if kind == "gray":
        values = values * 3
    rgb = np.stack(values)
    if kind == "yuv":
        rgb = np.einsum("ij,jhw->ihw", np.linalg.inv(yuv_matrix(source.matrix)), rgb)
    wide, high = round(columns * scale), round(rows * scale)
    sizes = ((wide, columns), (high, rows))
    finer = tuple((np.arange(new) + 0.5) * old / new - 0.5 for new, old in sizes)
    rgb = np.stack([stretch(plane, grid, finer) for plane in rgb])
    first, second = (meaning.primaries for meaning in (source, target))
    if first != second and 2 not in {first, second}:
        light = np.sign(rgb) * np.abs(rgb) ** DISPLAY_GAMMA
        light = np.einsum("ij,jhw->ihw", gamut(first, second), light)
        rgb = np.sign(light) * np.abs(light) ** (1 / DISPLAY_GAMMA)
    return encoded(rgb, target, wide, high)


def chroma_grid(meaning: Meaning, columns: int, rows: int) -> tuple[np.ndarray, ...]:
    """List the positions of chroma samples, across and down."""
    steps, places = subsampling(meaning.pix_fmt), siting(meaning.location)
    return tuple(
        positions(size, step, place)
        for size, step, place in zip((columns, rows), steps, places, strict=True)
    )


def encoded(rgb: np.ndarray, target: Meaning, columns: int, rows: int) -> Planes:
    """Convert R'G'B' to codes of the target, not rounded."""
    kind, bits = family(target.pix_fmt), depth(target.pix_fmt)
    grid = (np.arange(columns, dtype=float), np.arange(rows, dtype=float))
    values = rgb if kind == "rgb" else np.einsum("ij,jhw->ihw", yuv_matrix(target.matrix), rgb)
    made = []
    for index, value in enumerate(values[: 1 if kind == "gray" else 3]):
        chroma = kind == "yuv" and index > 0
        size, offset = levels(bits, chroma, target.full)
        plane = stretch(value, grid, chroma_grid(target, columns, rows)) if chroma else value
        made.append(np.clip(plane * size + offset, 0, 2**bits - 1))
    return made
