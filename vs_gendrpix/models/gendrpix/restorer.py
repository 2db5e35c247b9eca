"""GenDR-Pix as a restorer: weights, arithmetic, guidance and attention kernels on a device."""

import copy
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import find_model
from vs_gendrpix.models.devices import pick_dtype
from vs_gendrpix.models.gendrpix.files import default_model, load_network
from vs_gendrpix.models.gendrpix.fp8 import to_fp8
from vs_gendrpix.models.gendrpix.network import CELL, Prompted
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, PadPlan, pad_plan
from vs_gendrpix.models.gendrpix.unet import UNet
from vs_gendrpix.settings import Attention, Dtype

ATTENTION = [
    SDPBackend.CUDNN_ATTENTION,  # 1.3 times as fast as FlashAttention 2 on Hopper
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]
"""Kernels of attention on CUDA in order of preference. PyTorch takes the first that works."""

_preference = ExitStack()  # never left

FEW_TOKENS = 1 << 13
"""Tokens at a time where memory is short: two windows of 64x64, 8 MB of a layer's widest values."""


ENLARGED = 4
"""Scale at which the second network of a file works, whatever scale is wanted: it has learnt where
the pixels of the small picture lie in its cells."""


class GenDRPixRestorer:
    """The network of a model file under PadCFG: a `Restorer` of pictures of any size.

    Args:
        model: See `open_restorer`, as for all others.
        device: Where it runs.
        dtype: Its arithmetic.
        detail: Share of detail of a model with two ends; None takes the model's own.
        guidance: Weight w of PadCFG; None takes the model's own.
        pad_seed: Draws the paddings of PadCFG.
        attention: Whether self-attention sees the whole picture.
        compile: Whether the network is compiled.

    Attributes:
        network: The network, folded.
        guided: The network under PadCFG.
        file: The model file.
    """

    scale: int | None = None
    multiple = CELL
    value_range = (-1.0, 1.0)
    reach = 0

    def __init__(
        self,
        model: str | Path = "auto",
        *,
        device: torch.device,
        dtype: Dtype = "auto",
        detail: float | None = None,
        guidance: float | None = None,
        pad_seed: int = 0,
        attention: Attention = "auto",
        compile: bool = False,  # noqa: A002 - torch's own word for it
    ) -> None:
        prefer_kernels(device.type)
        arithmetic = pick_dtype(dtype, device)
        self.dtype = "fp8" if dtype == "fp8" else str(arithmetic).removeprefix("torch.")
        self.file: Path | None = find_model(default_model(device) if model == "auto" else model)
        load = partial(
            load_network, self.file, device=device, dtype=arithmetic, folded=True, detail=detail
        )

        def use(network: Prompted, plan: PadPlan) -> None:
            if dtype == "fp8":
                to_fp8(network.body)
            if attention == "full" and isinstance(network.body, UNet):
                network.body.attend_fully()
            self.network = network
            # Of fixed shapes: those of a clip stay, and code for one shape is faster than for all.
            self.guided = PadCFG(
                torch.compile(network, dynamic=False) if compile else network,
                network.positive,
                network.negative,
                plan=plan,
                guidance=network.card.guidance if guidance is None else guidance,
            )

        self._enlarging: GenDRPixRestorer | None = None
        network, plan = load(), pad_plan(pad_seed)
        if network.card.enlarging is not None:
            use(load(enlarging=True), plan.rounded(ENLARGED))
            self._enlarging = copy.copy(self)
            self._enlarging.scale = ENLARGED
        use(network, plan)

    def suited(self, scale: float) -> "GenDRPixRestorer":
        """Choose the network for a scale; see `Restorer`. The second one has a scale of its own."""
        above = self.card.enlarging
        if self._enlarging is None or above is None or scale <= above:
            return self
        return self._enlarging

    @property
    def card(self) -> ModelCard:
        """The card of the model file."""
        return self.network.card

    def __call__(self, rgb: Tensor) -> Tensor:
        """Restore (B, 3, H, W) pictures in [0, 1]; see `Restorer`."""
        return self.run(rgb * 2 - 1).add_(1).div_(2)

    def run(self, image: Tensor, *, thrift: int = 0) -> Tensor:
        """Restore (B, 3, H, W) pictures in [-1, 1]; see `Restorer`.

        A thrift of 1 runs the branches of PadCFG one by one, 2 also bounds the tokens at a time.
        """
        if isinstance(self.network.body, UNet):
            self.network.body.work_on(FEW_TOKENS if thrift > 1 else None)
        if self.scale is not None:
            image = F.interpolate(image, scale_factor=self.scale, mode="bicubic", antialias=True)
            image = image.clamp_(*self.value_range)
        return self.guided(image, paired=not thrift)


@cache
def prefer_kernels(device_type: str) -> None:
    """Set the order of attention kernels for a kind of device, for the rest of this process.

    PyTorch keeps this choice for the whole process. Set around each call it would be one lane's
    choice while another lane is in the middle of its own.
    """
    if device_type == "cuda" and not torch.version.hip:
        _preference.enter_context(sdpa_kernel(ATTENTION, set_priority=True))
