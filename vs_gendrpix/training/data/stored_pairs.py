"""Pairs made before training, because real codecs and a teacher take longer than a step."""

import functools
import itertools
import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.training.data.draw import Draw
from vs_gendrpix.training.data.pairs import Pair, Pairs, find_pictures
from vs_gendrpix.training.settings import Recipe

log = logging.getLogger(__name__)

_PICTURES = ("degraded", "target")
_CHUNK = 16


class StoredPairs(Dataset[Pair]):
    """Numbered crops of stored pairs: the number decides pair, place, turn and mirroring.

    A pair comes many times, but rarely the same crop of it the same way round.

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
        files = [folder / f"{part}.npy" for part in (*_PICTURES, "negative")]
        if not all(file.is_file() for file in files):
            raise SettingsError(f"there are no stored pairs in {folder}: run the stage pairs first")
        # Memory that all workers share, read as it is needed.
        self.degraded, self.target, negative = (np.load(file, mmap_mode="r") for file in files)
        labelled = (folder / "teacher.npy").is_file()
        self.teacher = np.load(folder / "teacher.npy", mmap_mode="r") if labelled else None
        self.lost = np.load(folder / "lost.npy") if labelled else None
        if self.degraded.shape[-1] < crop:
            raise SettingsError(f"pairs of {self.degraded.shape[-1]} pixels have no crop of {crop}")
        self.source = f"{len(negative)} stored pairs"
        self.kinds = {kind: np.flatnonzero(negative == kind) for kind in (False, True)}
        if not len(self.kinds[False]) or (negative_share and not len(self.kinds[True])):
            raise SettingsError(
                "the stored pairs are all positive or all negative: in [pairs] set negative_share "
                "between 0 and 1, and store them anew"
            )

    def __reduce__(self) -> tuple[Callable[..., "StoredPairs"], tuple[()]]:
        """Pickle without the arrays: a worker opens the files itself."""
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

    def __getitem__(self, number: int) -> Pair:
        """Cut the crop of a number."""
        draw = Draw(self.seed, number)
        negative = draw.chance(self.negative_share)
        chosen = self.kinds[negative]
        index = chosen[draw.whole(0, len(chosen) - 1)]
        top, left = (draw.whole(0, self.degraded.shape[-1] - self.crop) for _ in range(2))
        turns, mirrored = draw.whole(0, 3), draw.chance(0.5)

        def seen(pictures: "np.ndarray[tuple[int, ...], np.dtype[np.float16]]") -> Tensor:
            cut = pictures[index, :, top : top + self.crop, left : left + self.crop]
            image = torch.from_numpy(cut.astype(np.float32)).rot90(turns, (-2, -1))
            return (image.flip(-1) if mirrored else image).contiguous()

        target, lost = seen(self.target), torch.tensor(0.0)
        teacher = target
        if self.teacher is not None and self.lost is not None:
            teacher, lost = seen(self.teacher), torch.tensor(float(self.lost[index]))
        return Pair(seen(self.degraded), target, torch.tensor(negative), teacher, lost)


def store_pairs(recipe: Recipe, *, pictures: list[Path], out: Path) -> Path:
    """Make a recipe's pairs, each from its number, in as many processes as it has workers.

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
        label=recipe.teacher,
        min_scale=settings.min_scale,
    )
    part = out / "pairs.part"
    part.mkdir(parents=True, exist_ok=True)
    names = (*_PICTURES, "teacher") if recipe.teacher else _PICTURES
    shape, began = (settings.count, 3, settings.side, settings.side), time.monotonic()
    stored = {
        name: np.lib.format.open_memmap(part / f"{name}.npy", "w+", np.float16, shape)
        for name in names
    }
    negative, lost = np.zeros(settings.count, bool), np.zeros(settings.count, np.float32)
    with _made(source, settings.count, recipe.workers) as pairs:
        for number, pair in zip(itertools.count(1), pairs):
            index = number - 1
            pictures_of = {
                "degraded": pair.degraded,
                "target": pair.target,
                "teacher": pair.teacher,
            }
            for name, array in stored.items():
                array[index] = pictures_of[name].numpy()
            negative[index], lost[index] = pair.negative.item(), pair.lost.item()
            if number % 500 == 0:
                rate = number / (time.monotonic() - began)
                log.info("%d of %d pairs, %.1f/s", number, settings.count, rate)
    for array in stored.values():
        array.flush()
    np.save(part / "negative.npy", negative)
    if recipe.teacher:
        np.save(part / "lost.npy", lost)
    part.replace(folder)
    return folder


@contextmanager
def _made(pairs: Pairs, count: int, workers: int) -> Iterator[Iterator[Pair]]:
    """Make the first pairs in so many processes; 0 is this one, as for those of training."""
    numbers = range(count)
    if not workers:
        yield map(pairs.__getitem__, numbers)
        return
    # Spawned: a forked worker inherits libav's locks without the threads that hold them, and hangs.
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, torch.set_num_threads, (1,)) as pool:
        yield pool.imap(pairs.__getitem__, numbers, chunksize=_CHUNK)
