"""Pairs made beforehand: wearing a picture by real codecs takes longer than learning from it."""

import functools
import itertools
import logging
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.training.draw import Draw
from vs_gendrpix.training.pictures import Pairs, find_pictures
from vs_gendrpix.training.settings import Recipe

log = logging.getLogger(__name__)

_PARTS = ("worn", "target", "negative")
_CHUNK = 16


class StoredPairs(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Item i: a crop of a stored pair, turned and mirrored, all drawn from its number.

    A pair is met many times, but rarely the same crop of it the same way round.

    Args:
        folder: Where `store_pairs` has put them.
        crop: Side of a crop in pixels.
        seed: With the item's number, decides everything that is drawn.
        negative_share: Share of the items that are negative ones.

    Raises:
        SettingsError: There are none, or not of this size or kind.
    """

    def __init__(self, folder: Path, *, crop: int, seed: int, negative_share: float = 0.0) -> None:
        self.folder, self.crop, self.seed = folder, crop, seed
        self.negative_share = negative_share
        files = [folder / f"{part}.npy" for part in _PARTS]
        if not all(file.is_file() for file in files):
            raise SettingsError(f"there are no stored pairs in {folder}: run the stage pairs first")
        # Memory that all workers share, read as it is needed.
        self.worn, self.target, negative = (np.load(file, mmap_mode="r") for file in files)
        if self.worn.shape[-1] < crop:
            raise SettingsError(f"pairs of {self.worn.shape[-1]} pixels have no crop of {crop}")
        self.source = f"{len(negative)} stored pairs"
        self.kinds = {kind: np.flatnonzero(negative == kind) for kind in (False, True)}
        if not len(self.kinds[False]) or (negative_share and not len(self.kinds[True])):
            raise SettingsError(
                "no stored pairs of a kind: set negative_share of pairs within 0, 1"
            )

    def __reduce__(self) -> tuple[Callable[..., "StoredPairs"], tuple[()]]:
        """A worker opens the files itself: pickled, the arrays would be copied whole."""
        made_again = functools.partial(
            StoredPairs,
            self.folder,
            crop=self.crop,
            seed=self.seed,
            negative_share=self.negative_share,
        )
        return made_again, ()

    def __len__(self) -> int:
        return 2**62  # numbers never end; the sampler does

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """The worn crop, the target, and whether this is a negative item.

        Returns:
            (3, crop, crop) RGB in [-1, 1] twice, and a boolean ().
        """
        draw = Draw(self.seed, number)
        negative = draw.chance(self.negative_share)
        chosen = self.kinds[negative]
        index = chosen[draw.whole(0, len(chosen) - 1)]
        top, left = (draw.whole(0, self.worn.shape[-1] - self.crop) for _ in range(2))
        turns, mirrored = draw.whole(0, 3), draw.chance(0.5)

        def seen(pictures: "np.ndarray[tuple[int, ...], np.dtype[np.float16]]") -> Tensor:
            cut = pictures[index, :, top : top + self.crop, left : left + self.crop]
            image = torch.from_numpy(cut.astype(np.float32)).rot90(turns, (-2, -1))
            return (image.flip(-1) if mirrored else image).contiguous()

        return seen(self.worn), seen(self.target), torch.tensor(negative)


def store_pairs(recipe: Recipe, *, pictures: list[Path], out: Path) -> Path:
    """Make the pairs of a recipe, each from its number, by as many processes as it has workers.

    Args:
        recipe: Its `pairs` say how many and how large.
        pictures: Folders of photographs.
        out: The folder that holds the stages' folders.

    Returns:
        The folder of the pairs, 0.3 MB each at 160 pixels. It appears once they are whole.

    Raises:
        SettingsError: The recipe asks for none, or they have been made.
        MediaError: There are no pictures.
    """
    settings, folder = recipe.pairs, out / "pairs"
    if not settings.count:
        raise SettingsError("the recipe stores no pairs: set count in its table [pairs]")
    if folder.exists():
        raise SettingsError(f"{folder} has pairs already: use them, or remove it for others")
    source = Pairs(
        find_pictures(pictures),
        crop=settings.side,
        seed=recipe.seed,
        negative_share=settings.negative_share,
    )
    part = out / "pairs.part"
    part.mkdir(parents=True, exist_ok=True)
    shape, began = (settings.count, 3, settings.side, settings.side), time.monotonic()
    worn, target = (
        np.lib.format.open_memmap(part / f"{name}.npy", "w+", np.float16, shape)
        for name in _PARTS[:2]
    )
    negative = np.zeros(settings.count, bool)
    # Spawned: a forked worker inherits libav's locks without the threads that hold them, and hangs.
    context = multiprocessing.get_context("spawn")
    with context.Pool(max(1, recipe.workers), torch.set_num_threads, (1,)) as pool:
        made = pool.imap(source.__getitem__, range(settings.count), chunksize=_CHUNK)
        for number, pair in zip(itertools.count(1), made):
            index = number - 1
            worn[index], target[index] = (image.numpy() for image in pair[:2])
            negative[index] = pair[2].item()
            if number % 1000 == 0:
                rate = number / (time.monotonic() - began)
                log.info("%d of %d pairs, %.1f/s", number, settings.count, rate)
    worn.flush()
    target.flush()
    np.save(part / "negative.npy", negative)
    part.replace(folder)
    return folder
