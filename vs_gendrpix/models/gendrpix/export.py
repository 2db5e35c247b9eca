"""Models as ONNX files, for runtimes other than PyTorch."""

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from vs_gendrpix.errors import GendrpixError, ModelError, OutputError, SettingsError
from vs_gendrpix.models.catalogue import find_model, is_ours
from vs_gendrpix.models.gendrpix.layers import Affine
from vs_gendrpix.models.gendrpix.restorer import GenDRPixRestorer

OPSET = 17
"""Version of the operators: ONNX Runtime and TensorRT have read it since 2022. The network needs
no newer one."""

MIN_SIDE = 16
"""The least width and height of pictures: PadCFG reflects up to 12 pixels at the border."""
MAX_SIDE = 8192

MAX_BYTES = (1 << 31) - 1
"""The largest file that protobuf reads."""

_EXAMPLE = (72, 100)
"""Height and width of the picture by which a network for all sizes is recorded: two sides that
differ, and 100 is no multiple of the network's cells, so that nothing of them stays constant."""


def export_onnx(
    model: str | Path,
    out: Path,
    *,
    size: tuple[int, int] | None = None,
    half: bool = False,
    detail: float | None = None,
    guidance: float | None = None,
    scale: float = 4,
) -> None:
    """Write a model as ONNX: R'G'B' pictures in [0, 1] in, restored ones of the same size out.

    The file's input and output are `input` and `output`, (1, 3, H, W) float32. PadCFG is inside:
    paddings, both branches and their sum. The colour fix is not. The card is in the metadata.

    Args:
        model: Name of a built-in model, or a model file of ours.
        out: The file to write, .onnx.
        size: Width and height in pixels of the pictures, from 16 to 8192 each. None is any size
            from 16x16 on; then self-attention, where the network has it, sees all of a picture,
            since windows are laid for one size.
        half: Whether the network's weights and arithmetic are float16.
        detail: Share of detail of a model with two ends, 0 to 1; None takes the model's own.
        guidance: Weight w of PadCFG; None takes the model's own. 1 leaves the second branch out.
        scale: How many times the pictures will be enlarged: a model may have another network for
            strong enlargement. That one needs them at four times their size.

    Raises:
        ModelError: The model is missing, bad, or none of ours, or too large for one file.
        OutputError: The output exists, or cannot be written.
        SettingsError: The size is out of range, the output is no .onnx, or the model has no choice
            of detail and one is given.
    """
    if out.suffix.lower() != ".onnx":
        raise SettingsError(f"{out.name} is no .onnx: choose such a name")
    if not 0 < scale < math.inf:
        raise SettingsError(f"scale {scale:g} is none: use 2, 4 and so on")
    if size is not None and not all(MIN_SIDE <= side <= MAX_SIDE for side in size):
        raise SettingsError(
            f"size {size[0]}x{size[1]} is out of range: use {MIN_SIDE} to {MAX_SIDE} for each side"
        )
    path = find_model(model)
    if not is_ours(path):
        raise ModelError(f"{path.name} is no model of ours: only these can be exported")
    with _whole(out) as part:
        restorer = GenDRPixRestorer(
            path,
            device=torch.device("cpu"),
            dtype="fp16" if half else "fp32",
            detail=detail,
            guidance=guidance,
            attention="auto" if size else "full",
        ).suited(scale)
        restorer.scale = None  # the file's pictures are enlarged before
        _check_bytes(restorer.network)
        _record(restorer, size, part)


class _Pictures(nn.Module):
    """A restorer as a module, which is what PyTorch's exporter takes; its network is changed."""

    def __init__(self, restorer: GenDRPixRestorer) -> None:
        super().__init__()
        self.network = restorer.network
        self._restorer = restorer
        for part in self.network.modules():
            for name, child in part.named_children():
                if isinstance(child, Affine):
                    setattr(part, name, _PlainAffine(child))

    def forward(self, rgb: Tensor) -> Tensor:
        """Restore (1, 3, H, W) pictures in [0, 1]."""
        # As in training: without gradients layers divide long rows of tokens, and write in place.
        with torch.enable_grad():
            return self._restorer(rgb)


class _PlainAffine(nn.Module):
    """An `Affine` of two operations: the exporter would make the one that is both in float32."""

    def __init__(self, affine: Affine) -> None:
        super().__init__()
        self.weight, self.bias = affine.weight, affine.bias

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape."""
        return x * self.weight[:, None, None] + self.bias[:, None, None]


def _check_bytes(network: nn.Module) -> None:
    """Raise if the weights are more than a file may hold."""
    total = sum(value.nbytes for value in network.parameters())
    if total > MAX_BYTES:
        raise ModelError(
            f"the weights are {total / 1e9:.1f} GB, and an ONNX file holds 2 at most: use --fp16"
        )


def _record(restorer: GenDRPixRestorer, size: tuple[int, int] | None, file: Path) -> None:
    """Record a restorer at work on a picture, and write that as ONNX."""
    width, height = size or _EXAMPLE[::-1]
    sides = {2: "height", 3: "width"}
    with warnings.catch_warnings():
        # That the recording will be of one kind of padding and one set of windows: so it shall be.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined] # no types
        # The exporter that shall follow this one needs a package more, and ten times as long.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            _Pictures(restorer).eval(),
            (torch.rand(1, 3, height, width),),
            file,
            dynamo=False,
            opset_version=OPSET,
            input_names=["input"],
            output_names=["output"],
            dynamic_axes=None if size else {"input": sides, "output": sides},
        )
    made = onnx.load(file)
    # The exporter loses the sizes of the result on the way, which are those of the picture.
    made.graph.output[0].type.CopyFrom(made.graph.input[0].type)
    card = restorer.card
    said = {
        "name": card.name,
        "licence": card.licence,
        "training": card.training,
        "guidance": f"{restorer.guided.guidance:g}",
        "detail": "none" if card.detail is None else f"{card.detail:g}",
    }
    onnx.helper.set_model_props(made, said)
    onnx.checker.check_model(made)
    onnx.save(made, file)


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Make a temporary file for the `with` block to write, and rename it at the end.

    Raises:
        OutputError: The file exists, or cannot be written.
    """
    part = out.with_name(f"{out.name}.part")
    try:
        if out.exists():
            raise OutputError(f"{out} exists: choose another name")
        part.touch()  # now, not after the work
        yield part
        part.rename(out)
    except GendrpixError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write the model {out}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
