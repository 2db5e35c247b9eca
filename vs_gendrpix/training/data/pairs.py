"""Pairs of degraded and clean crops, each made from its number alone."""

import functools
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from torch.utils.data import Dataset

from vs_gendrpix.errors import MediaError
from vs_gendrpix.training.data.codecs import Picture
from vs_gendrpix.training.data.degradations import degrade, from_picture, to_picture
from vs_gendrpix.training.data.draw import Draw
from vs_gendrpix.training.data.settings import MAX_SCALE, TeacherSettings
from vs_gendrpix.training.data.teacher import Teacher, lost_detail, without_drift

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
_SCALES = {MAX_SCALE: 0.65, 3.0: 0.07, 2.0: 0.16, 1.0: 0.12}
"""Scales of pairs, and the share of each."""

_PLAIN_SHARE = 0.25
_TEXT_SHARE = 0.08
_LINES_SHARE = 0.05
_NEUTRAL_SHARE = 0.08
_TINTED_SHARE = 0.03
_LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;!?&%()-/ "


def find_pictures(folders: list[Path]) -> list[Path]:
    """Find all pictures in some folders, sorted.

    Raises:
        MediaError: A folder is missing, or there are no pictures.
    """
    if not folders:
        raise MediaError("no folder of pictures: give some with --pictures")
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing:
        raise MediaError(f"no such folder: {', '.join(missing)}")
    found = [path for folder in folders for path in sorted(folder.rglob("*"))]
    found = [path for path in found if path.suffix.lower() in _SUFFIXES]
    if not found:
        raise MediaError(f"no pictures in {', '.join(map(str, folders))}: put JPEG or PNG there")
    return found


class Pair(NamedTuple):
    """A degraded picture with its targets. A batch of them has one more dimension in front.

    Attributes:
        degraded: (3, H, W) RGB in [-1, 1], resized to the target's size.
        target: (3, H, W) RGB in [-1, 1], the clean picture; of a negative item one a little
            degraded.
        negative: (), whether this is a negative item.
        teacher: (3, H, W) RGB in [-1, 1], what the teacher makes of the degraded picture; the
            target again where no teacher was asked.
        lost: (), how much of the target's detail the degraded picture has lost, 0 to 1 (see
            `teacher.lost_detail`); 0 where no teacher was asked.
    """

    degraded: Tensor
    target: Tensor
    negative: Tensor
    teacher: Tensor
    lost: Tensor


class Pairs(Dataset[Pair]):
    """Numbered pairs of crops: the number decides the crop and its degradation.

    (Four crops of one damaged region are cheaper to make, but a batch of eight then shows two kinds
    of damage, and a network that has to tell kinds apart learnt nothing from that in 500 steps.)
    Pictures of one source (the name's part before the first underscore) count by
    the root of their number, so that no source takes over.

    Args:
        paths: The pictures.
        crop: Side of a crop in pixels, a multiple of 8.
        seed: With the item's number, decides everything that is drawn.
        negative_share: Share of the items whose target is itself a little degraded: what the
            negative condition asks for, and guidance pushes away from.
        label: Asks the teacher what it makes of items that have lost detail; None asks nobody.
        min_scale: The least of the scales at which items are degraded.
    """

    def __init__(
        self,
        paths: list[Path],
        *,
        crop: int,
        seed: int,
        negative_share: float = 0.0,
        label: TeacherSettings | None = None,
        min_scale: float = 1.0,
    ) -> None:
        self.paths, self.crop, self.seed = paths, crop, seed
        self.negative_share, self.label = negative_share, label
        self.scales = {scale: share for scale, share in _SCALES.items() if scale >= min_scale}
        sources = [path.stem.split("_")[0] for path in paths]
        counts = Counter(sources)
        self.weights = tuple(1 / math.sqrt(counts[source]) for source in sources)
        self.source = f"{len(paths)} pictures"
        self._encoded = [path.read_bytes() for path in paths]
        self._decoded: dict[int, Picture] = {}

    def __len__(self) -> int:
        return 2**62  # numbers never end; the sampler does

    def _picture(self, index: int) -> Picture:
        if index not in self._decoded:
            with Image.open(self.paths[index]) as image:
                self._decoded[index] = np.asarray(image.convert("RGB"))
        return self._decoded[index]

    def __getitem__(self, number: int) -> Pair:
        """Make the pair of a number."""
        draw = Draw(self.seed, number)
        clean = self._region(draw, self.crop)
        neutral = draw.chance(_NEUTRAL_SHARE)
        if neutral:
            clean = _neutral(clean)
        elif draw.chance(_TINTED_SHARE):
            clean = _tinted(clean, draw)
        small = degrade(clean, draw.pick(tuple(self.scales), tuple(self.scales.values())), draw)
        if neutral and draw.chance(0.7):  # others keep the colour of noise and codecs
            small = _neutral(small)
        degraded = _enlarged(small, clean)
        negative = draw.chance(self.negative_share)
        target = clean
        if negative:
            target = _enlarged(degrade(clean, draw.between(1.2, 2.2), draw), clean)
        teacher, lost = target, 0.0
        if self.label is not None and not negative:
            lost = lost_detail(degraded, clean)
            if lost > self.label.clean_below:
                teacher = _teacher(self.label.model)(small, (self.crop, self.crop))
                teacher = without_drift(teacher, degraded)
                teacher = _neutral(teacher) if neutral else teacher
        return Pair(
            degraded * 2 - 1,
            target * 2 - 1,
            torch.tensor(negative),
            teacher * 2 - 1,
            torch.tensor(lost),
        )

    def _region(self, draw: Draw, side: int) -> Tensor:
        """Cut a sharp square: shrunk, often chosen for detail, turned, at times with text."""
        index = draw.pick(tuple(range(len(self.paths))), self.weights)
        picture = self._picture(index)
        shrink = draw.between(0.5, 1.0)
        shrink = min(1.0, max(shrink, (side + 1) / min(picture.shape[:2])))
        taken = math.ceil(side / shrink)
        # Detail teaches more, but walls, sand and skies must be seen too, with all that wears them.
        tries = 1 if draw.chance(_PLAIN_SHARE) else 2
        best = max((self._cut(picture, draw, taken) for _ in range(tries)), key=_detail)
        region = from_picture(best)
        region = F.interpolate(region[None], (side, side), mode="bicubic", antialias=True)[0]
        region = region.clamp(0, 1)
        if draw.chance(0.5):
            region = region.flip(-1)
        region = torch.rot90(region, draw.whole(0, 3), (-2, -1))
        if draw.chance(_TEXT_SHARE):
            return _write_text(region, draw)
        return _draw_lines(region, draw) if draw.chance(_LINES_SHARE) else region.contiguous()

    @staticmethod
    def _cut(picture: Picture, draw: Draw, side: int) -> Picture:
        height, width = picture.shape[:2]
        # A picture smaller than the region is mirrored: rare, and better than leaving it out.
        short = (max(0, side - height), max(0, side - width))
        if any(short):
            picture = np.pad(picture, ((0, short[0]), (0, short[1]), (0, 0)), mode="symmetric")
            height, width = picture.shape[:2]
        top, left = draw.whole(0, height - side), draw.whole(0, width - side)
        return picture[top : top + side, left : left + side]


@functools.cache
def _teacher(path: Path) -> Teacher:
    """Load the teacher, once in each process."""
    return Teacher(path)


def _enlarged(small: Tensor, like: Tensor) -> Tensor:
    """Resize a picture to the size of another with the product's filter."""
    size = like.shape[-2:]
    return F.interpolate(small[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)


def _neutral(image: Tensor) -> Tensor:
    """Replace all channels by the luma: black and white."""
    return (image * _LUMA).sum(0, keepdim=True).expand(3, -1, -1).contiguous()


def _tinted(image: Tensor, draw: Draw) -> Tensor:
    """Tone a picture: its luma in one hue, with white lights, as toned film has it."""
    luma = (image * _LUMA).sum(0, keepdim=True)
    tint = torch.tensor([draw.between(0.8, 1.2) for _ in range(3)])[:, None, None]
    tint = tint / (tint * _LUMA).sum()
    return (luma * (1 + (tint - 1) * 2 * (1 - luma))).clamp(0, 1)


def _detail(picture: Picture) -> float:
    """Measure the mean absolute step between neighbours, which is low in a blurred background."""
    green = picture[::2, ::2, 1].astype(np.float32)
    return float(np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean())


def _write_text(region: Tensor, draw: Draw) -> Tensor:
    """Draw lines of random letters over the region, because photographs rarely show text."""
    image = Image.fromarray(to_picture(region))
    pen = ImageDraw.Draw(image)
    for _ in range(draw.whole(2, 6)):
        words = "".join(draw.pick(tuple(_LETTERS)) for _ in range(draw.whole(4, 24)))
        place = (draw.between(-20, 0.7 * image.width), draw.between(0, 0.95 * image.height))
        color = tuple(draw.whole(0, 255) for _ in range(3))
        font = ImageFont.load_default(size=draw.between(12, 56))
        pen.text(place, words, fill=color, font=font)
    return from_picture(np.asarray(image))


def _draw_lines(region: Tensor, draw: Draw) -> Tensor:
    """Draw flat areas in hard outlines over the softened region, as animation has them."""
    width, height = region.shape[-1], region.shape[-2]
    # Drawn four times as large: shrunk, the outlines are as smooth as a scanned cel's.
    ground = F.avg_pool2d(region[None], 31, 1, 15, count_include_pad=False)[0]
    image = Image.fromarray(to_picture(ground)).resize((4 * width, 4 * height))
    pen = ImageDraw.Draw(image)
    for _ in range(draw.whole(3, 8)):
        points = [
            (draw.between(-0.2, 1.2) * 4 * width, draw.between(-0.2, 1.2) * 4 * height)
            for _ in range(draw.whole(2, 5))
        ]
        ink = tuple(draw.whole(0, 90) for _ in range(3))
        if len(points) > 2 and draw.chance(0.7):
            pen.polygon(points, fill=tuple(draw.whole(40, 255) for _ in range(3)))
            points.append(points[0])
        pen.line(points, fill=ink, width=draw.whole(3, 16), joint="curve")
    return from_picture(np.asarray(image.resize((width, height), Image.Resampling.BOX)))
