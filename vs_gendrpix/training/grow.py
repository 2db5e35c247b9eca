"""A wider network that begins with what a narrower one has learnt (after Net2Net, 1511.05641)."""

from collections.abc import KeysView, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.model.attention import GEGLU
from vs_gendrpix.model.gendrpix import Prompted
from vs_gendrpix.model.layers import ResBlock
from vs_gendrpix.model.unet import UNet, UpStage


@torch.no_grad()
def grow(network: Prompted, small: Prompted) -> None:
    """Give a network what a narrower one does.

    The old channels come first on every level, and read each other only; the new ones stay as they
    are, and read all. So the network does the same at first, and what there is to learn from the
    new channels is at hand. Where the middle is wider, its transformer's norms see the new channels
    too: there the network begins near the small one only.

    Args:
        network: Changed in place.
        small: Of the same numbers but for the channels, of which no level has more; without groups.

    Raises:
        SettingsError: The networks differ in more.
    """
    wide, narrow = network.unet.config, small.unet.config
    levels = zip(wide.channels, narrow.channels, strict=False)
    if (
        len(wide.channels) != len(narrow.channels)
        or any(new < old for new, old in levels)
        or replace(narrow, channels=wide.channels) != wide
        or narrow.groups
    ):
        raise SettingsError(
            f"a network of {narrow.channels} channels cannot grow to {wide.channels}: it needs as "
            "many levels, none of them narrower, no groups, and all other numbers the same"
        )
    new = network.unet.state_dict()
    old = _plain(small.unet, new.keys())
    if lost := sorted(old.keys() - new.keys()):
        # Its level is now as wide as the one before, and was not: where was a layer is a sum.
        raise SettingsError(f"{wide.channels} channels have no place for {lost[0]}")
    joined = _joined(small.unet), _joined(network.unet)
    for name, value in old.items():
        layer = name.rpartition(".")[0]
        widths = [parts.get(layer, {}) for parts in joined]
        rows, *columns = (
            _places(*(side.get(axis, (size,)) for side, size in zip(widths, sizes, strict=True)))
            for axis, sizes in enumerate(zip(value.shape[:2], new[name].shape[:2], strict=True))
        )
        new[name][rows] = 0
        new[name][(rows[:, None], *columns) if columns else rows] = value
    network.positive.copy_(small.positive)
    network.negative.copy_(small.negative)


def _plain(unet: UNet, wanted: KeysView[str]) -> dict[str, Tensor]:
    """A network's tensors: time is a constant, and sums are layers where such are wanted."""
    tensors = {
        name: value for name, value in unet.state_dict().items() if "time_embedding" not in name
    }
    time = unet.time_embedding
    for name, block in unet.named_modules():
        if not isinstance(block, ResBlock):
            continue
        if time is not None and block.time_emb_proj is not None:
            shift = block.time_emb_proj(F.silu(time(unet.time_sinusoid)))[0]
            tensors[f"{name}.time_emb_proj.bias"] = shift
            tensors[f"{name}.time_emb_proj.weight"] = shift.new_zeros(len(shift), 0)
        shortcut = f"{name}.conv_shortcut"
        if block.conv_shortcut is None and f"{shortcut}.weight" in wanted:
            width = block.conv1.in_channels
            tensors[f"{shortcut}.weight"] = torch.eye(width)[:, :, None, None]
            tensors[f"{shortcut}.bias"] = torch.zeros(width)
    return tensors


def _joined(unet: UNet) -> dict[str, dict[int, tuple[int, int]]]:
    """Layers of which an axis is two things side by side, and the widths of both."""
    found = {}
    for name, part in unet.named_modules():
        if isinstance(part, GEGLU):
            inner = part.proj.out_features // 2
            found[f"{name}.proj"] = {0: (inner, inner)}
        if isinstance(part, UpStage):
            for number, (block, skip) in enumerate(zip(part.resnets, part.skips, strict=True)):
                parts = (cast("ResBlock", block).conv1.in_channels - skip, skip)
                where = f"{name}.resnets.{number}"
                found[f"{where}.norm1"] = {0: parts}
                found[f"{where}.conv1"] = found[f"{where}.conv_shortcut"] = {1: parts}
    return found


def _places(old: Sequence[int], new: Sequence[int]) -> Tensor:
    """Where the channels of old parts lie among those of new ones: at the beginning of each."""
    firsts = [0, *accumulate(new)]
    return torch.cat(
        [first + torch.arange(width) for first, width in zip(firsts, old, strict=False)]
    )
