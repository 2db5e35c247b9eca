"""The restorer: all that happens to a batch of frames on one device."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from vs_gendrpix.color.codes import from_rgb, opacity, resized_alpha, to_rgb
from vs_gendrpix.color.primaries import with_primaries
from vs_gendrpix.color.working_space import from_working, to_working
from vs_gendrpix.errors import DeviceError
from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.models.catalogue import find_model
from vs_gendrpix.models.gendrpix.files import default_model, load_network
from vs_gendrpix.models.gendrpix.fp8 import to_fp8
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, pad_plan
from vs_gendrpix.restore.color_fix import lowband
from vs_gendrpix.restore.cuda_graphs import Graphs
from vs_gendrpix.restore.grain import regrain, seeds_of
from vs_gendrpix.restore.ladder import Ladder, Step, steps
from vs_gendrpix.restore.staging import Planes
from vs_gendrpix.restore.tiles import Span, tile_spans
from vs_gendrpix.settings import RestoreSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
FP8_SINCE = (8, 9)
"""The first compute capability with products in fp8: Ada, then Hopper."""

ATTENTION = [
    SDPBackend.CUDNN_ATTENTION,  # 1.3 times as fast as FlashAttention 2 on Hopper
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]
"""Kernels of attention on CUDA, the best first; PyTorch takes the first that can."""


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The arithmetic of a name; `auto` is bf16 where the device computes in it, or else fp32.

    A CPU without bf16 instructions emulates them, slower than fp32. What is not in fp8 under `fp8`
    is in bf16.

    Raises:
        DeviceError: The device has no fp8.
    """
    if name == "fp8":
        if not has_fp8(device):
            raise DeviceError(
                f"{device} has no fp8: it needs a GPU of compute capability 8.9 or more "
                "(Ada, Hopper or newer); use dtype bf16"
            )
        return torch.bfloat16
    if name != "auto":
        return DTYPES[name]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # PyTorch before 2.11 cannot tell; fp32 is right on every CPU.
        able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        native = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


def has_fp8(device: torch.device) -> bool:
    """Whether a device multiplies in fp8 itself; a CPU would emulate it, slower than bf16."""
    return device.type == "cuda" and torch.cuda.get_device_capability(device) >= FP8_SINCE


class Restorer:
    """All that happens to a frame on the device: planes in, restored planes out.

    Args:
        settings: How to restore.
        source: Format of the planes that come in.
        target: Format of the planes that go out.
        device: Where.
        ladder: What to do when memory runs out; all devices of a clip share one.

    Raises:
        DeviceError: The device has not the arithmetic that was asked for.
        ModelError: The model is missing or bad.
        MediaError: The matrix or subsampling of a format is not supported.
    """

    def __init__(
        self,
        settings: RestoreSettings,
        source: FrameFormat,
        target: FrameFormat,
        device: torch.device,
        ladder: Ladder | None = None,
    ) -> None:
        self.settings, self.source, self.target = settings, source, target
        self.device, self.ladder = device, ladder or frame_ladder(settings, target)
        self.dtype = pick_dtype(settings.dtype, device)
        model = settings.model_path or settings.model
        if model == "auto":
            model = default_model(device)
        self.model_file = find_model(model)
        network = load_network(self.model_file, device=device, dtype=self.dtype, folded=True)
        if settings.dtype == "fp8":
            to_fp8(network.unet)
        if settings.attention == "full":
            network.unet.attend_fully()
        self.model_name = network.card.name
        name = str(self.dtype).removeprefix("torch.")
        self.arithmetic = "fp8" if settings.dtype == "fp8" else name
        guidance = network.card.guidance if settings.guidance is None else settings.guidance
        self.network = network
        self.graphs = Graphs() if device.type == "cuda" else None
        # Of fixed shapes: those of a clip stay, and the code for one shape is faster than for all.
        self.guided = PadCFG(
            torch.compile(network, dynamic=False) if settings.compile else network,
            network.positive,
            network.negative,
            plan=pad_plan(settings.pad_seed),
            guidance=guidance,
        )

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
            if self.settings.grain:
                output = regrain(output, rgb, self.settings.grain, seeds_of(planes[0]))
            output = with_primaries(output, self.source.color, self.target.color)
            colors = from_rgb(output, self.target)
            return (*colors, *self._alpha(planes), finite.to(torch.uint8))

        return self.ladder.run(attempt)

    def restore(self, rgb: Tensor, step: Step | None = None) -> tuple[Tensor, Tensor]:
        """Restore (B, 3, H, W) R'G'B', nominally in [0, 1], at the size of the target.

        The network sees values in [0, 1] of its working space. What the source had beyond them,
        such as super-white, is not cut off: the network's change is added to the resized source.
        Nor is the result: to cut off only what falls below black would lift the mean of dark
        texture by over a code of 255.

        Args:
            rgb: The pictures.
            step: How to run the network; None is whole frames, all at once.

        Returns:
            (B, 3, height, width) of the target, and (B,) whether all that the network made was
            finite, and all that came in.
        """
        size = (self.target.height, self.target.width)
        reference = rgb
        if size != tuple(rgb.shape[-2:]):
            reference = F.interpolate(rgb, size, mode="bicubic", antialias=True)
        finite = torch.ones(len(rgb), dtype=torch.bool, device=rgb.device)
        if self.source.layout.floating:
            finite = _all_finite(rgb)
        if self.settings.strength == 0:
            return reference, finite
        # In place throughout: fresh memory for every step costs as much as the steps themselves.
        transfer = self.source.color.transfer
        seen = to_working(reference, transfer)
        image = seen.clamp(0, 1).mul_(2).sub_(1)
        change = self._run(image, step or Step(name="whole frames")).sub_(image)
        finite &= _all_finite(change)  # asked now: a clamp would hide infinity
        output = torch.add(seen, change, alpha=self.settings.strength / 2, out=change)
        if self.settings.color_fix == "lowband":
            output = lowband(output, seen)
        return from_working(output, transfer), finite

    def _alpha(self, planes: Planes) -> Planes:
        """The alpha plane of the target: resized, as the network has learnt nothing of alpha."""
        if not self.target.layout.alpha:
            return ()
        if self.source.layout.alpha:
            return (resized_alpha(planes[-1], self.source, self.target),)
        opaque = planes[0].new_ones(len(planes[0]), self.target.height, self.target.width)
        return (opacity(opaque.float(), self.target),)

    def _run(self, image: Tensor, step: Step) -> Tensor:
        """The guided network over (B, 3, H, W) pictures in [-1, 1], as a step says."""
        self.network.unet.work_on(step.tokens_at_once)
        with attention_kernels(self.device):
            if not step.single:
                return self._run_tiles(image, step)
            return torch.cat([self._run_tiles(picture[None], step) for picture in image])

    def _run_tiles(self, image: Tensor, step: Step) -> Tensor:
        """The same on tiles that fade into one another, or on the whole."""
        if step.tile is None:
            return self._run_whole(image, step)
        sides = zip(image.shape[:-3:-1], step.tile, self.settings.overlap, strict=True)
        columns, rows = (tile_spans(*side) for side in sides)
        output = torch.zeros_like(image)
        for row in rows:
            for column in columns:
                place = (..., slice(row.first, row.end), slice(column.first, column.end))
                tile = self._run_whole(image[place], step)
                output[place] += tile * (_fade(row, image)[:, None] * _fade(column, image))
        return output

    def _run_whole(self, image: Tensor, step: Step) -> Tensor:
        """The same on the whole, as a CUDA graph where that is faster."""
        network = partial(self.guided, paired=not step.single)
        if self.graphs is None:
            return network(image)
        return self.graphs.run(network, image, (step.single, step.tokens_at_once))


def frame_ladder(settings: RestoreSettings, target: FrameFormat) -> Ladder:
    """What to try when frames of a format do not fit in memory."""
    size = (target.width, target.height)
    too_much = f"frames of {target.width}x{target.height}"
    return Ladder(steps(size, settings.tile), too_much)


def attention_kernels(device: torch.device) -> AbstractContextManager[None]:
    """Let attention take the fastest kernel of a device."""
    if device.type != "cuda":
        return nullcontext()
    kernels: AbstractContextManager[None] = sdpa_kernel(ATTENTION, set_priority=True)
    return kernels


def _fade(span: Span, image: Tensor) -> Tensor:
    """(pixels,) weights of a tile along one axis; those of all tiles sum to 1."""
    return torch.tensor(span.weights, dtype=image.dtype, device=image.device) / span.whole


def _all_finite(pictures: Tensor) -> Tensor:
    """(B,) whether all values of each picture are finite: one that is not makes the sum so."""
    return pictures.sum((1, 2, 3)).isfinite()
