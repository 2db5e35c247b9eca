"""The cases of the media matrix: the possible choices, and how cases are drawn."""

import random
from dataclasses import astuple, dataclass
from fractions import Fraction
from itertools import combinations

from benchmarks.colour_reference import family

FRAMES = 8


@dataclass(frozen=True)
class Coded:
    """Coding of a clip: the encoder, its options, the container."""

    encoder: str
    pix_fmt: str
    suffix: str
    options: tuple[tuple[str, str], ...] = ()
    lossless: bool = True


X264 = (("qp", "0"), ("preset", "ultrafast"), ("bf", "2"))
X265 = (("x265-params", "lossless=1:log-level=none"), ("preset", "ultrafast"))
VP9 = (("lossless", "1"), ("deadline", "realtime"), ("cpu-used", "8"))
AV1 = (("crf", "1"), ("preset", "10"))
PRORES = (("bits_per_mb", "8000"),)

SOURCES = (
    *(
        Coded("libx264", pix_fmt, suffix, X264)
        for pix_fmt in ("yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "gray")
        for suffix in ("mp4", "mov", "mkv", "ts")
    ),
    *(
        Coded("libx265", pix_fmt, suffix, X265)
        for pix_fmt in ("yuv420p", "yuv420p10le", "yuv422p12le", "yuv444p12le")
        for suffix in ("mp4", "mkv")
    ),
    *(
        Coded("ffv1", pix_fmt, "mkv")
        for pix_fmt in (
            *("yuv420p", "yuv422p10le", "yuv444p16le", "yuv411p", "yuv410p", "yuv440p"),
            *("gray", "gray12le", "bgr0", "gbrp10le", "gbrp12le", "yuv420p16le"),
        )
    ),
    Coded("ffv1", "yuv422p", "avi"),
    Coded("libx264rgb", "rgb24", "mkv", X264),
    Coded("libvpx-vp9", "yuv420p", "webm", VP9),
    Coded("libsvtav1", "yuv420p10le", "mp4", AV1, lossless=False),
    Coded("mpeg2video", "yuv420p", "ts", (("qscale", "1"),), lossless=False),
    Coded("mpeg4", "yuv420p", "mp4", (("qscale", "1"),), lossless=False),
    Coded("prores_ks", "yuv422p10le", "mov", PRORES, lossless=False),
    Coded("prores_ks", "yuv444p10le", "mov", PRORES, lossless=False),
    Coded("mjpeg", "yuvj422p", "mov", (("qscale", "1"),), lossless=False),
    Coded("v210", "yuv422p10le", "mov"),
    Coded("rawvideo", "nv12", "mkv"),
)
TARGETS = (
    *(
        Coded("libx265", pix_fmt, suffix, X265)
        for pix_fmt in ("yuv420p10le", "yuv420p", "yuv444p12le")
        for suffix in ("mp4", "mov", "mkv")
    ),
    *(
        Coded("libx264", pix_fmt, suffix, X264)
        for pix_fmt in ("yuv420p", "yuv422p10le", "yuv444p", "gray")
        for suffix in ("mp4", "mkv")
    ),
    *(
        Coded("ffv1", pix_fmt, "mkv")
        for pix_fmt in (
            *("yuv420p", "yuv422p10le", "yuv444p16le", "bgr0", "gbrp12le", "gray16le"),
            *("yuv411p", "yuv410p", "yuv420p12le"),
        )
    ),
    Coded("libx264rgb", "rgb24", "mkv", X264),
    Coded("libvpx-vp9", "yuv420p", "mkv", VP9),
    Coded("libsvtav1", "yuv420p10le", "mp4", AV1, lossless=False),
    Coded("libsvtav1", "yuv420p10le", "mkv", AV1, lossless=False),
    Coded("prores_ks", "yuv422p10le", "mov", PRORES, lossless=False),
    Coded("prores_ks", "yuv444p10le", "mov", PRORES, lossless=False),
)
COLORS = {
    "untagged": (2, 2, 2),
    "bt709": (1, 1, 1),
    "bt601-625": (5, 5, 6),
    "bt601-525": (6, 6, 6),
    "smpte240m": (7, 7, 7),
    "bt2020": (9, 9, 14),
    "pq": (9, 9, 16),
    "hlg": (9, 9, 18),
}
TIMINGS = {
    "cfr": tuple(512 * i for i in range(FRAMES)),
    "vfr": (0, 512, 900, 1800, 1840, 2600, 4096, 4140),
    "negative": tuple(512 * i - 1024 for i in range(FRAMES)),
    "late": tuple(512 * i + 6400 for i in range(FRAMES)),
}
SIDES = ("nothing", "two audios", "subtitles", "chapters", "attachment")
SCALES = (Fraction(1), Fraction(2), Fraction(3, 2))
OUT_COLORS = ("keep", "bt709", "bt2020")
LOCATIONS = (0, 1, 2, 3)
"""FFmpeg's numbers: not said, left, centre, top left."""


@dataclass(frozen=True)
class Case:
    """A clip, and the output to make of it."""

    source: Coded
    target: Coded
    color: str
    full_range: bool
    timing: str
    side: str
    scale: Fraction
    out_color: str
    location: int

    def __str__(self) -> str:
        ends = (f"{c.encoder} {c.pix_fmt} .{c.suffix}" for c in (self.source, self.target))
        span = "full" if self.full_range else "limited"
        rest = (
            self.color,
            span,
            f"chroma {self.location}",
            self.timing,
            self.side,
            f"x{self.scale}",
            self.out_color,
        )
        return " -> ".join(ends) + f" ({', '.join(rest)})"

    @property
    def possible(self) -> bool:
        """Tell whether such a clip can be written, and such an output asked for."""
        source, suffixes = self.source, {self.source.suffix, self.target.suffix}
        rgb = family(source.pix_fmt) == "rgb"
        return not (
            (self.side == "attachment" and suffixes != {"mkv"})
            or (self.side == "subtitles" and len(suffixes & {"mkv", "mp4", "mov"}) != len(suffixes))
            or (self.side == "subtitles" and "mkv" in suffixes and suffixes != {"mkv"})
            or (self.side == "two audios" and source.suffix in {"avi", "ts"})
            or (
                self.side == "two audios"
                and source.suffix == "webm"
                and self.target.suffix != "mkv"
            )
            or (self.side == "chapters" and source.suffix in {"avi", "ts", "webm"})
            or (self.timing != "cfr" and source.suffix == "avi")
            or (self.timing == "negative" and source.suffix not in {"mkv", "mp4"})
            or (  # Matroska cannot say when reordered pictures before 0 are shown
                self.timing == "negative"
                and source.suffix == "mkv"
                and source.encoder not in {"ffv1", "rawvideo"}
            )
            or (self.timing == "vfr" and source.encoder in {"mpeg2video", "mpeg4"})
            or (self.color in {"pq", "hlg"} and self.out_color == "bt709")
            or (self.color == "smpte240m" and self.out_color != "keep")
            or (
                self.full_range != (rgb or source.encoder == "mjpeg")
                and (rgb or source.encoder == "mjpeg")
            )
            or (self.full_range and source.encoder in NO_RANGE)
            or (self.color == "untagged" and rgb and self.out_color != "keep")
            or (self.scale != 1 and self.target.pix_fmt in {"yuv410p", "yuv411p"})
        )


NO_RANGE = {"prores_ks", "mpeg2video", "mpeg4", "v210", "utvideo", "rawvideo", "libvpx-vp9"}
"""Encoders of sources whose files do not say that they are of full range."""


def draw(count: int, seed: int = 1) -> list[Case]:
    """Cases of which the first cover as many pairs of choices as they can."""
    rng = random.Random(seed)  # noqa: S311 - it draws test cases
    seen: set[tuple[object, ...]] = set()
    cases: list[Case] = []

    def sample() -> Case:
        while True:
            case = Case(
                rng.choice(SOURCES),
                rng.choice(TARGETS),
                rng.choice(tuple(COLORS)),
                rng.random() < 0.5,
                rng.choice(tuple(TIMINGS)),
                rng.choice(SIDES),
                rng.choice(SCALES),
                rng.choice(OUT_COLORS),
                rng.choice(LOCATIONS),
            )
            if case.possible:
                return case

    while len(cases) < count:
        best = max((sample() for _ in range(60)), key=lambda case: len(pairs(case) - seen))
        if best not in cases:
            seen |= pairs(best)
            cases.append(best)
    return cases


def pairs(case: Case) -> set[tuple[object, ...]]:
    """List each two choices of a case."""
    fields = (
        *(("in", part) for part in astuple(case.source)[:3]),
        *(("out", part) for part in astuple(case.target)[:3]),
        *enumerate(astuple(case)[2:]),
    )
    return set(combinations(fields, 2))
