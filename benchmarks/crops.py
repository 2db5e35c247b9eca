"""Crops of real compressed clips, undamaged by us, for judging by eye."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from vs_gendrpix.errors import MediaError
from vs_gendrpix.evaluation.clips import rgb_of
from vs_gendrpix.evaluation.judge import CROP
from vs_gendrpix.evaluation.samples import Sample, SampleSet
from vs_gendrpix.read.source import open_source

SIZE = (256, 320)
"""Rows and columns of every restored crop, whatever its scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """A place in a clip.

    Attributes:
        clip: File name in the folder of the clips.
        frame: Number of the frame, from 0.
        left: First column, a multiple of 8: the codec's grid begins at 0 of the crop too.
        top: First row, likewise.
        scale: How many times its size it is enlarged; its own size is `SIZE` divided by it.
        kind: What it shows.
    """

    clip: str
    frame: int
    left: int
    top: int
    scale: int
    kind: str


def _crop(clip: str, frame: int, place: tuple[int, int], scale: int, kind: str) -> Crop:
    return Crop(clip=clip, frame=frame, left=place[0], top=place[1], scale=scale, kind=kind)


HORSES, TIGER, PARTY = "horses_beach_320x240.mp4", "dove_lq_007.mp4", "dove_lq_005.mp4"
DOME, TOWERS = "dove_lq_001.mp4", "dove_lq_003.mp4"
GARDEN, BLOCKS, FLOWER = "seeking_720x480.mp4", "sam2_blocks.mp4", "flower_960x540_vp8.webm"

CROPS = (
    _crop(HORSES, 180, (32, 176), 4, "grass"),
    _crop(HORSES, 600, (208, 128), 4, "grass"),
    _crop(HORSES, 540, (160, 152), 4, "grass"),
    _crop(HORSES, 600, (32, 40), 4, "hair"),
    _crop(GARDEN, 12, (400, 24), 4, "leaves"),
    _crop(GARDEN, 100, (128, 416), 4, "leaves"),
    _crop(TIGER, 12, (72, 16), 4, "hair"),
    _crop(TOWERS, 12, (0, 64), 4, "brick"),
    _crop(DOME, 12, (64, 136), 4, "brick"),
    _crop(TIGER, 12, (232, 112), 4, "text"),
    _crop(PARTY, 60, (96, 72), 4, "face"),
    _crop("carphone_176x144_distorted.mp4", 12, (48, 16), 4, "face"),
    _crop(DOME, 12, (88, 0), 4, "sky"),
    _crop(GARDEN, 140, (440, 40), 2, "leaves"),
    _crop(GARDEN, 100, (128, 352), 2, "grass"),
    _crop("asl_no_640x480.mkv", 30, (208, 56), 2, "face"),
    _crop(BLOCKS, 12, (480, 288), 2, "text"),
    _crop("webcam_man_640x428_bt601.mov", 12, (240, 136), 2, "face"),
    _crop(FLOWER, 12, (352, 160), 1, "leaves"),
    _crop(GARDEN, 12, (384, 56), 1, "leaves"),
    _crop(BLOCKS, 12, (416, 288), 1, "text"),
    _crop("asl_book_640x480.mkv", 12, (208, 72), 1, "hair"),
    _crop("bottles_640x360_40s.mp4", 12, (240, 16), 1, "flat"),
    _crop("nasa_iss_480x270_stereo_cc.mp4", 200, (96, 8), 1, "flat"),
)
"""The rows of the sheet. Each clip may be shown: docs/results/sheet.md has the licences."""


def crop_set(folder: Path, scale: int) -> SampleSet:
    """The crops of one scale.

    Args:
        folder: Where the clips are.
        scale: 1, 2 or 4.

    Raises:
        MediaError: There is no such folder. (While iterating: a clip is missing or too short.)
    """
    if not folder.is_dir():
        raise MediaError(f"no such folder: {folder}")
    crops = [crop for crop in CROPS if crop.scale == scale]
    return SampleSet(
        name=f"crops x{scale}",
        unit="crops",
        scale=scale,
        measures=CROP,
        count=len(crops),
        samples=lambda: (cut(folder, crop) for crop in crops),
    )


def cut(folder: Path, crop: Crop) -> Sample:
    """A crop, decoded.

    Raises:
        MediaError: The clip cannot be read, or has no such frame.
    """
    with open_source(folder / crop.clip) as source:
        frame = next(islice(source, crop.frame, None), None)
    if frame is None:
        raise MediaError(f"{crop.clip} has no frame {crop.frame}")
    height, width = (side // crop.scale for side in SIZE)
    low = rgb_of(frame)[..., crop.top : crop.top + height, crop.left : crop.left + width]
    name = f"{Path(crop.clip).stem}-{crop.frame}-{crop.left}-{crop.top}"
    return Sample(name=name, scale=crop.scale, low=low, reference=None, kind=crop.kind)
