"""Low-rank changes of a network's weights (LoRA, arXiv 2106.09685), made by peft."""

import copy
from typing import Any, cast

import torch
from torch import nn

from vs_gendrpix.errors import needs_extra
from vs_gendrpix.models.gendrpix.unet import UNet

_BLOCKS = ("down_blocks.", "mid_block.", "up_blocks.")

_ALPHA = 2
"""Factor of a change for each of its ranks: GenDR's rank 64 with alpha 128 (arXiv 2503.06790)."""


def adapt(network: nn.Module, rank: int, *, seed: int) -> None:
    """Freeze the blocks of every UNet in a network, with a trained change of each of their layers.

    The prompts and the first and the last layers are trained whole: a stage may begin them anew.

    Args:
        network: Changed in place; its blocks' tensors get other names.
        rank: Rank of the changes, which begin as zero.
        seed: Decides their first factors.

    Raises:
        SettingsError: peft is not installed.
    """
    with needs_extra("lora"):
        from peft import LoraConfig, inject_adapter_in_model  # noqa: PLC0415 - an extra, and slow
    for unet in [part for part in network.modules() if isinstance(part, UNet)]:
        layers = [
            name
            for name, part in unet.named_modules()
            if isinstance(part, nn.Linear | nn.Conv2d) and name.startswith(_BLOCKS)
        ]
        config = LoraConfig(r=rank, lora_alpha=_ALPHA * rank, target_modules=layers)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            inject_adapter_in_model(config, unet)
        for whole in (unet.conv_in, unet.conv_norm_out, unet.conv_out):
            whole.requires_grad_(requires_grad=True)


@torch.no_grad()
def plain_copy[N: nn.Module](network: N) -> N:
    """Copy a network, adapted or not, with plain layers whose weights hold the changes."""
    whole = copy.deepcopy(network)
    for parent in list(whole.modules()):
        for name, part in list(parent.named_children()):
            if hasattr(part, "get_base_layer"):  # of peft, which need not be there
                adapted = cast("Any", part)
                adapted.merge()
                setattr(parent, name, adapted.get_base_layer())
    return whole
