"""A larger network that begins with what a smaller one has learnt (after Net2Net, 1511.05641)."""

import re
from collections.abc import KeysView, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.model.attention import GEGLU
from vs_gendrpix.model.gendrpix import Prompted
from vs_gendrpix.model.layers import ResBlock
from vs_gendrpix.model.unet import Stage, UNet, UpStage
from vs_gendrpix.training.start import zero


@torch.no_grad()
def grow(network: Prompted, small: Prompted) -> None:
    """Give a network what a narrower or shallower one does.

    The old channels come first on every level, and read each other only; the new ones stay as they
    are, and read all. So the network does the same at first, and what there is to learn from the
    new channels is at hand. Where the middle is wider, its transformer's norms see the new channels
    too: there the network begins near the small one only. Further ResBlocks of a level begin as the
    identity.

    Args:
        network: Changed in place.
        small: Of the same numbers but for the channels, of which no level has more, and for the
            layers, of which it has no more; without groups, and without attention outside the
            middle if it has fewer layers.

    Raises:
        SettingsError: The networks differ in more.
    """
    wide, narrow = network.unet.config, small.unet.config
    levels = zip(wide.channels, narrow.channels, strict=False)
    if (
        len(wide.channels) != len(narrow.channels)
        or any(new < old for new, old in levels)
        or replace(narrow, channels=wide.channels, layers=wide.layers) != wide
        or narrow.groups
    ):
        raise SettingsError(
            f"a network of {narrow.channels} channels cannot grow to {wide.channels}: it needs as "
            "many levels, none of them narrower, no groups, and all other numbers but the layers "
            "the same"
        )
    if wide.layers != narrow.layers:
        small = _deeper(small, wide.layers)
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


def _deeper(small: Prompted, layers: int) -> Prompted:
    """The same with more ResBlocks a level.

    On the way down the new ones come last. What they pass on is also what the first on the way up
    takes in beside the coarser level, as before; then come as many new ones, then the others.
    """
    config = small.unet.config
    extra = layers - config.layers
    if extra < 0 or any(config.attention):
        raise SettingsError(
            f"a network of {config.layers} layers a level cannot grow to {layers}: it can grow to "
            "more, and without attention outside the middle only"
        )
    network = type(small)(replace(config, layers=layers), small.card)
    tensors = network.state_dict()
    for name, value in small.state_dict().items():
        tensors[_UP.sub(lambda up: f"{up[1]}{int(up[2]) + extra}.", name)] = value
    network.load_state_dict(tensors)
    for down in network.unet.down_blocks:
        for block in cast("Stage", down).resnets[config.layers :]:
            _pass_on(cast("ResBlock", block))
    for up in network.unet.up_blocks:
        for block in cast("Stage", up).resnets[1 : 1 + extra]:
            _pass_on(cast("ResBlock", block))
    return network


_UP = re.compile(r"(up_blocks\.\d+\.resnets\.)([1-9])\.")
"""All but the first ResBlock of a level on the way up."""


def _pass_on(block: ResBlock) -> None:
    """Let a block begin as the identity of its first channels, those that are no skip."""
    zero(block.conv2)
    if block.conv_shortcut is not None:
        zero(block.conv_shortcut)
        nn.init.dirac_(block.conv_shortcut.weight)


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
