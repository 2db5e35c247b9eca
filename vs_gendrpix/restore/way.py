"""The way of a batch of frames on one device, in named steps: planes in, restored planes out."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.color.codes import from_rgb, opacity, resized_alpha, to_rgb
from vs_gendrpix.color.neutral import is_neutral, with_neutral
from vs_gendrpix.color.primaries import with_primaries
from vs_gendrpix.color.working_space import from_working, to_working
from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.models.restorer import Restorer
from vs_gendrpix.restore.color_fix import LowBand
from vs_gendrpix.restore.cuda_graphs import CudaGraphs
from vs_gendrpix.restore.grain import Regrain, seeds_of
from vs_gendrpix.restore.ladder import Ladder, Step, steps
from vs_gendrpix.restore.staging import Planes
from vs_gendrpix.restore.tiles import Tiles
from vs_gendrpix.settings import RestoreSettings

WHOLE = Step(name="whole frames")


class Way:
    """The steps from a clip's planes to restored planes on one lane, with their fixed data.

    Args:
        restorer: What restores the pictures, on `device`.
        settings: Strength, colour fix, grain and tiles; the restorer's own choices are not read.
        source: Format of the planes that come in.
        target: Format of the planes that go out; its size decides the scale.
        device: Where it happens.
        ladder: What to do when memory runs out; all lanes of a clip share one.
        notes: Is told what the run has to say.
    """

    def __init__(
        self,
        restorer: Restorer,
        settings: RestoreSettings,
        source: FrameFormat,
        target: FrameFormat,
        *,
        device: torch.device,
        ladder: Ladder | None = None,
        notes: Notes | None = None,
    ) -> None:
        self.restorer, self.source, self.target = _suited(restorer, source, target), source, target
        self.ladder = ladder or frame_ladder(restorer, settings, source, target, notes)
        self.graphs = CudaGraphs(notes) if device.type == "cuda" else None
        self._device, self._strength, self._overlap = device, settings.strength, settings.overlap
        self._size = (target.height, target.width)
        self._low_band = None
        if settings.color_fix == "lowband" and settings.strength:
            self._low_band = LowBand(self._size, device)
        self._regrain = Regrain(settings.grain, device) if settings.grain else None
        self._tiles: dict[tuple[torch.Size, tuple[int, int]], Tiles] = {}

    @torch.inference_mode()
    def __call__(self, planes: Planes) -> Planes:
        """Restore the planes of a batch.

        Args:
            planes: (B, rows, columns) each, of the source format.

        Returns:
            The planes of the target format, and (B,) bytes that are 1 where all values were finite.

        Raises:
            DeviceError: Memory ran out, whatever was tried.
        """

        def attempt(step: Step) -> Planes:
            rgb = to_rgb(planes, self.source)
            output, finite = self.restore(rgb, step)
            if self._regrain is not None:
                output = self._regrain(output, rgb, seeds_of(planes[0]))
            output = with_primaries(output, self.source.color, self.target.color)
            if self._strength:
                output = with_neutral(output, is_neutral(planes, self.source), self.target)
            colors = from_rgb(output, self.target)
            return (*colors, *self._alpha(planes), finite.to(torch.uint8))

        return self.ladder.run(attempt)

    def restore(self, rgb: Tensor, step: Step = WHOLE) -> tuple[Tensor, Tensor]:
        """Restore (B, 3, H, W) R'G'B', nominally in [0, 1], at the size of the target.

        The restorer sees values in [0, 1] of the working space, at its own size of picture. What
        the source has beyond them, such as super-white, is not cut off: the restorer's change is
        added to the resized source. Nor is the result: to cut off only what falls below black would
        lift the mean of dark texture by over a code of 255.

        Args:
            rgb: The pictures.
            step: How to run the restorer.

        Returns:
            (B, 3, height, width) of the target, and (B,) whether all that the restorer made was
            finite, and all that came in.
        """
        reference = _resized(rgb, self._size)
        finite = torch.ones(len(rgb), dtype=torch.bool, device=rgb.device)
        if self.source.layout.floating:
            finite = _all_finite(rgb)
        if self._strength == 0:
            return reference, finite
        # In place throughout: fresh memory for every step costs as much as the steps themselves.
        transfer = self.source.color.transfer
        before = to_working(reference if self.restorer.scale is None else rgb, transfer)
        image = self._in_range(before)
        made = _resized(self._run(image, step), self._size)
        # A restorer that enlarges by itself is compared with its own pictures, resized: the resize
        # overshoots at edges, which would otherwise be taken for values beyond black and white.
        seen, image = _resized(before, self._size), _resized(image, self._size)
        change = made.sub_(image)
        finite &= _all_finite(change)  # asked now: a clamp would hide infinity
        low, high = self.restorer.value_range
        output = torch.add(seen, change, alpha=self._strength / (high - low), out=change)
        if self._low_band is not None:
            output = self._low_band(output, seen)
        return from_working(output, transfer), finite

    def _in_range(self, seen: Tensor) -> Tensor:
        """Clamp pictures to [0, 1] and scale them to the restorer's range, in new memory."""
        image = seen.clamp(0, 1)
        low, high = self.restorer.value_range
        return image if (low, high) == (0, 1) else image.mul_(high - low).add_(low)

    def _alpha(self, planes: Planes) -> Planes:
        """The alpha plane of the target: resized, since no restorer has learnt it."""
        if not self.target.layout.alpha:
            return ()
        if self.source.layout.alpha:
            return (resized_alpha(planes[-1], self.source, self.target),)
        opaque = planes[0].new_ones(len(planes[0]), *self._size)
        return (opacity(opaque.float(), self.target),)

    def _run(self, image: Tensor, step: Step) -> Tensor:
        """Run the restorer on (B, 3, H, W) pictures in its range, as a step of the ladder says."""
        if not step.thrift:
            return self._run_tiles(image, step)
        return torch.cat([self._run_tiles(picture[None], step) for picture in image])

    def _run_tiles(self, image: Tensor, step: Step) -> Tensor:
        """Run the restorer on tiles that fade into one another, or on whole pictures."""
        run = partial(self._run_whole, thrift=step.thrift)
        if step.tile is None:
            return run(image)
        key = (image.shape[-2:], step.tile)
        if key not in self._tiles:
            self._tiles[key] = Tiles(
                (image.shape[-1], image.shape[-2]),
                step.tile,
                self._overlap,
                multiple=self.restorer.multiple,
                scale=self.restorer.scale or 1,
                device=self._device,
            )
        return self._tiles[key].run(run, image)

    def _run_whole(self, image: Tensor, thrift: int) -> Tensor:
        """Run the restorer on whole pictures or tiles, as a CUDA graph where that is faster.

        A graph keeps the memory of all layers for itself: none where memory is short.
        """
        restore = partial(self.restorer.run, thrift=thrift)
        if self.graphs is None or thrift:
            return restore(image)
        return self.graphs.run(restore, image)


def frame_ladder(
    restorer: Restorer,
    settings: RestoreSettings,
    source: FrameFormat,
    target: FrameFormat,
    notes: Notes | None = None,
) -> Ladder:
    """Make the ladder of fallbacks for frames of a format that do not fit in memory."""
    seen = target if _suited(restorer, source, target).scale is None else source
    too_much = f"frames of {target.width}x{target.height}"
    return Ladder(steps((seen.width, seen.height), settings.tile), too_much, notes)


def _suited(restorer: Restorer, source: FrameFormat, target: FrameFormat) -> Restorer:
    """Choose the restorer for the scale between two formats, the larger one of both axes."""
    return restorer.suited(max(target.width / source.width, target.height / source.height))


def _resized(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, 3, *size) by an antialiasing bicubic; the very tensor if that is its size."""
    if size == tuple(pictures.shape[-2:]):
        return pictures
    return F.interpolate(pictures, size, mode="bicubic", antialias=True)


def _all_finite(pictures: Tensor) -> Tensor:
    """Tell for each picture, (B,), whether all values are finite, by their sum."""
    return pictures.sum((1, 2, 3)).isfinite()
