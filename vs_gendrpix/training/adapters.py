"""What is trained in the place of weights: low-rank changes of them, or shares of others.

Low-rank changes (LoRA, arXiv 2106.09685) are made by peft. Networks of one origin can be mixed
weight by weight (deep network interpolation, arXiv 1811.10515); here the shares are learnt, as in
AdaMerging (arXiv 2310.02575), for each layer or each channel.
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from vs_gendrpix.errors import SettingsError, needs_extra
from vs_gendrpix.models.gendrpix.network import Prompted
from vs_gendrpix.models.gendrpix.unet import UNet

Shares = Literal["layers", "channels"]

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


_ENDS = ("conv_in", "act_in", "conv_norm_out", "conv_out", "shortcut")
"""Parts of a body that a mixture leaves alone: what they differ in shows as a grid of cells."""


def mix[N: Prompted](network: N, others: Sequence[N], shares: Shares = "channels") -> None:
    """Freeze a network, with a trained mixture of the others in each layer of its body.

    A few thousand shares cannot lose what the weights have learnt, where all weights do so within
    a hundred steps of a small batch (docs/results/training-log.md, runs 73 to 80).

    Args:
        network: Changed in place. Its function stays: all shares begin as 0. A share of 1 of one
            other and 0 of the rest is that other's channel.
        others: Networks of the same numbers.
        shares: What has a share of its own for each of the others.

    Raises:
        SettingsError: One has other layers.
    """
    network.requires_grad_(requires_grad=False)
    layers = [
        (path, part)
        for path, part in network.body.named_modules()
        if not path.startswith(_ENDS) and list(part.parameters(recurse=False))
    ]
    for path, part in layers:
        try:
            theirs = [dict(other.body.get_submodule(path).named_parameters()) for other in others]
            mixed = _Mixed(part, theirs, shares)
        except (AttributeError, KeyError, RuntimeError) as error:
            raise SettingsError("a mixture is of networks with the same layers") from error
        parent, _, name = path.rpartition(".")
        setattr(network.body.get_submodule(parent), name, mixed)


class _Mixed(nn.Module):
    """A layer whose weights take shares of their differences from others.

    Args:
        layer: It is not changed.
        others: The parameters of the same layer of other networks, by name.
        shares: As of `mix`.

    Raises:
        KeyError: One lacks a parameter.
        RuntimeError: One is of another shape.
    """

    def __init__(
        self, layer: nn.Module, others: Sequence[Mapping[str, Tensor]], shares: Shares
    ) -> None:
        super().__init__()
        self.layer = layer
        self.shares = nn.ParameterDict()
        if shares == "layers":
            self.shares["all"] = torch.zeros(len(others), 1)
        for name, weight in layer.named_parameters():
            differences = torch.stack([other[name].detach() - weight.detach() for other in others])
            if shares == "channels":
                self.shares[name] = torch.zeros(len(others), len(weight))
            # From files, so no checkpoint has them. Flat: channels last knows four dimensions only.
            flat = differences.reshape(len(others), len(weight), -1)
            self.register_buffer(name, flat, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = functional_call(self.layer, self._weights(), (x,))
        return result

    def _weights(self) -> dict[str, Tensor]:
        weights = {}
        for name, weight in self.layer.named_parameters():
            shares = self.shares[name if name in self.shares else "all"]
            taken = (shares[..., None] * self.get_buffer(name)).sum(0)
            weights[name] = weight + taken.view_as(weight)
        return weights

    def get_base_layer(self) -> nn.Module:
        """Return the layer, with the names of peft's layers."""
        return self.layer

    def merge(self) -> None:
        """Write the mixture into the layer."""
        self.layer.load_state_dict(self._weights())


@torch.no_grad()
def plain_copy[N: nn.Module](network: N) -> N:
    """Copy a network, adapted or not, with plain layers whose weights hold all changes."""
    whole = copy.deepcopy(network)
    for parent in list(whole.modules()):
        for name, part in list(parent.named_children()):
            if hasattr(part, "get_base_layer"):  # of peft, which need not be there, or mixed
                adapted = cast("Any", part)
                adapted.merge()
                setattr(parent, name, adapted.get_base_layer())
    return whole
