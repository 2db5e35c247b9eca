"""Join models to one: two ends, between which `--detail` chooses, or two networks by the scale."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vs_gendrpix.errors import ModelError, OutputError
from vs_gendrpix.models.ancestors.baselines import GenDR
from vs_gendrpix.models.catalogue import find_model
from vs_gendrpix.models.gendrpix.files import (
    CONFIG,
    ENLARGING,
    end_keys,
    fitting_network,
    write_model,
)
from vs_gendrpix.models.tensors import read_tensors


def join_models(faithful: Path, detailed: Path, out: Path, *, detail: float) -> None:
    """Write a model with two ends, between which `--detail` chooses.

    The mean of two networks does what lies between them if they have an ancestor in common, from
    which neither has gone far (ESRGAN, arXiv 1809.00219, section 3.4).

    Args:
        faithful: The model of one end, true to the input.
        detailed: The model of the other end, rich in detail.
        out: The file to write, with the tensors of both in half precision; its name is the
            model's.
        detail: The share of the detailed end that suits the model, 0 to 1.

    Raises:
        ModelError: One of the models is bad or has two ends itself, or their networks differ.
        OutputError: The file exists.
    """
    if out.exists():
        raise OutputError(f"{out} exists: choose another name")
    ends = [fitting_network(find_model(path)) for path in (faithful, detailed)]
    for network in ends:
        if isinstance(network, GenDR):
            raise ModelError(f"{network.card.name} has an autoencoder: join restorers of pixels")
        if network.card.detail is not None or network.card.enlarging is not None:
            raise ModelError(f"{network.card.name} has several networks: join two models of one")
    ours, others = (end.body.config for end in ends)
    if ours != others or ends[0].card.residual != ends[1].card.residual:
        raise ModelError(f"{faithful} and {detailed} are different networks: join two of one kind")
    names = list(ends[0].state_dict())
    only_key, faithful_key = end_keys(enlarging=False)
    tensors = {
        key(name): value
        for path, key in ((faithful, faithful_key), (detailed, only_key))
        for name, value in read_tensors(find_model(path), names, only_key).items()
    }
    training = f"faithful: {ends[0].card.training}; detailed: {ends[1].card.training}"
    card = replace(ends[1].card, name=out.stem, detail=detail, training=training)
    write_model(out, "gendrpix", {CONFIG[type(ours)]: ours, "card": card}, tensors, torch.float16)


def add_enlarging(model: Path, enlarging: Path, out: Path, *, above: float) -> None:
    """Write a model that has a second network, which restores what is strongly enlarged.

    Args:
        model: Restores up to a scale. Its card is the new model's, but for the training and the
            licence, which are those of both.
        enlarging: Restores above it. It has as many ends as the other.
        out: The file to write, with the tensors of both in half precision; its name is the
            model's.
        above: That scale.

    Raises:
        ModelError: One of the models is bad, or has two networks itself or an autoencoder, or one
            has two ends and the other one.
        OutputError: The file exists.
    """
    if out.exists():
        raise OutputError(f"{out} exists: choose another name")
    values: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    cards = []
    for source, prefix in ((model, ""), (enlarging, ENLARGING)):
        path = find_model(source)
        network = fitting_network(path)
        if isinstance(network, GenDR) or network.card.enlarging is not None:
            raise ModelError(f"{network.card.name} has several networks: take models with one")
        values[prefix + CONFIG[type(network.body.config)]] = network.body.config
        cards.append(network.card)
        for key in end_keys(enlarging=False)[: 1 if network.card.detail is None else 2]:
            read = read_tensors(path, network.state_dict(), key)
            tensors |= {prefix + key(name): value for name, value in read.items()}
    first, second = cards
    if (first.detail is None) != (second.detail is None) or first.residual != second.residual:
        raise ModelError(f"{model} and {enlarging} differ in their ends, or in what they predict")
    values["card"] = replace(
        first,
        name=out.stem,
        enlarging=above,
        licence=" AND ".join(dict.fromkeys([first.licence, second.licence])),
        training=f"{first.training}; enlarging: {second.training}",
    )
    write_model(out, "gendrpix", values, tensors, torch.float16)
