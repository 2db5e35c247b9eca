"""Count what linear layers in fp8 save and cost on an H200, on shapes alone.

    python -m benchmarks.fp8_count [--size 3840x2160]

Each linear layer of the paper's network is taken to last as long as its products or its bytes,
whichever is longer, at the card's published rates. Run operation by operation, `quantised` reads
and writes each value of a layer's input several times; compiled, the pass that makes the values
writes them in fp8.
"""

import argparse
import json
from functools import partial

import torch
from torch import Tensor, nn

from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.gendrpix.fp8 import STEP
from vs_gendrpix.models.gendrpix.network import GenDRPix
from vs_gendrpix.models.gendrpix.unet import FULL

BYTES = 4.8e12
"""Bytes of memory a second (NVIDIA's data sheet of the H200)."""

BF16, FP8 = 989e12, 1979e12
"""Dense operations a second, from the same sheet."""

EAGER = 2 + 2 + 2 + (2 + 4) + (4 + 1)
"""Bytes a value of `quantised`: abs, amax, the division (to fp32) and the conversion."""

Layer = tuple[int, int, int]
"""A linear layer: rows of its input, and both widths."""


def layers(width: int, height: int) -> list[Layer]:
    """List the products of all linear layers that fp8 takes, of one pass at a size."""
    found: list[Layer] = []

    def seen(layer: nn.Linear, _: nn.Module, given: tuple[Tensor, ...]) -> None:
        rows = given[0].numel() // layer.in_features
        # The condition's few rows are folded away.
        if rows > FULL.condition_tokens and not (layer.in_features | layer.out_features) % STEP:
            found.append((rows, layer.in_features, layer.out_features))

    with torch.device("meta"), torch.inference_mode():
        network = GenDRPix(FULL, ModelCard(name="random"))
        for part in network.modules():
            if isinstance(part, nn.Linear):
                part.register_forward_pre_hook(partial(seen, part))
        network(torch.empty(1, 3, height, width), network.positive[None])
    return found


def in_bf16(rows: int, inner: int, outer: int) -> float:
    """Estimate the seconds of a layer in bf16."""
    moved = 2 * (rows * inner + inner * outer + rows * outer)
    return max(2 * rows * inner * outer / BF16, moved / BYTES)


def in_fp8(rows: int, inner: int, outer: int) -> float:
    """Estimate the seconds of a layer whose input is in fp8 already."""
    moved = rows * inner + inner * outer + 2 * rows * outer
    return max(2 * rows * inner * outer / FP8, moved / BYTES)


def eager(rows: int, inner: int, outer: int) -> float:
    """Estimate the seconds of a layer that converts its input to fp8, operation by operation."""
    return in_fp8(rows, inner, outer) + EAGER * rows * inner / BYTES


def main() -> None:
    """Print milliseconds a pass of each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", default="3840x2160", help="of a frame")
    width, height = (int(side) for side in parser.parse_args().size.split("x"))
    found = layers(width, -(-height // 8) * 8)
    ways = {"bf16": in_bf16, "fp8 operation by operation": eager, "fp8 compiled": in_fp8}
    times = {
        name: round(1e3 * sum(way(*layer) for layer in found), 1) for name, way in ways.items()
    }
    print(json.dumps({"layers": len(found), "milliseconds": times}, indent=2))


if __name__ == "__main__":
    main()
