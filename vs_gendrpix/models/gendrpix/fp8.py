"""Linear layers in 8-bit floating point: half the bytes and twice the rate, on GPUs that have it.

Weights keep one scale for each output, tokens one each, found as they come (rowwise scaling). The
convolutions stay as they are.

Compiled, tokens become fp8 in the pass that makes them, once for queries, keys and values. Run
operation by operation this takes 17 bytes a value, and a network is slower than in bf16
(docs/results/performance.md): so fp8 goes with `compile` only.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import ScalingType

FP8 = torch.float8_e4m3fn
LARGEST = torch.finfo(FP8).max
STEP = 16
"""Divisor of both widths of a layer, which the product of scaled matrices asks for."""


def quantised(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Scale each row of (N, C) to the range of fp8: (N, C) in fp8, and (N, 1) scales in fp32."""
    scale = rows.abs().amax(dim=1, keepdim=True).float().clamp_(min=1e-12).div_(LARGEST)
    return (rows / scale).to(FP8), scale


class Fp8Linear(nn.Module):
    """A linear layer whose product is one of fp8 values, summed in fp32.

    Args:
        linear: Whose weights to take; both of its widths are multiples of 16.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight, scale = quantised(linear.weight.detach())
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale.T.contiguous())
        bias = None if linear.bias is None else linear.bias.detach().to(torch.bfloat16)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out), in the arithmetic of x."""
        rows, scale = quantised(x.flatten(0, -2))
        product: Tensor = F.scaled_mm(
            rows,
            self.weight.T,
            scale,
            ScalingType.RowWise,
            self.scale,
            ScalingType.RowWise,
            bias=self.bias,
            output_dtype=torch.bfloat16,  # the only one that CUDA has for rows
        )
        return product.to(x.dtype).view(*x.shape[:-1], -1)


def to_fp8(body: nn.Module) -> None:
    """Replace each linear layer of a folded network whose widths allow it by `Fp8Linear`."""
    for module in list(body.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.Linear) and not (part.in_features | part.out_features) % STEP:
                setattr(module, name, Fp8Linear(part))
