"""The contract of a model that restores pictures, and how one is opened."""

from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.catalogue import find_model, is_ours, model_card, with_detail
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.settings import Attention, Dtype


class Card(Protocol):
    """A model's description of itself."""

    @property
    def name(self) -> str:
        """Short name."""

    @property
    def licence(self) -> str:
        """SPDX identifier of the weights' licence, or its name; `unknown` if nobody says it."""


class Restorer(Protocol):
    """A model on a device: pictures in, restored pictures out. It knows no clip and no format.

    A model is a subclass that has a card and restores when it is called; it sets what differs from
    these values.

    Attributes:
        scale: How many times as wide and high as its pictures its results are. None keeps the size:
            such a model sees pictures that have been resized to the size that is wanted.
        multiple: Side in pixels, 1 to 32, of the cells that it works on: tiles begin at multiples
            of it. A picture may have any size: a model that needs more pads it by itself.
        value_range: The values of black and white in `run`.
        dtype: Name of its arithmetic, for reports: `float32`, `bfloat16`, `float16` or `fp8`.
        reach: Neighbouring frames that it needs on each side. 0 is all that an engine serves today.
        file: Where it was loaded from; None if from no file.
    """

    scale: int | None = None
    multiple: int = 1
    value_range: tuple[float, float] = (0.0, 1.0)
    dtype: str = "float32"
    reach: int = 0
    file: Path | None = None

    @property
    def card(self) -> Card:
        """The model's description of itself."""

    def __call__(self, rgb: Tensor) -> Tensor:
        """Restore pictures; may be called by several threads at once.

        Args:
            rgb: (B, 3, H, W) float32 R'G'B' in [0, 1], on the device of the model.

        Returns:
            (B, 3, H, W) float32, or `scale` times that size, nominally in [0, 1] but not clamped.
            The caller may write to it.
        """

    def run(self, image: Tensor, *, thrift: int = 0) -> Tensor:
        """Restore pictures for an engine: in the range of the model, with less memory if need be.

        A model whose range is not [0, 1] has a method of its own, lest an engine's pictures be
        rounded twice.

        Args:
            image: (B, 3, H, W) float32 R'G'B' within `value_range`.
            thrift: How much speed to give up for memory: 0 none; 1 makes passes one by one that
                would run together; 2 works on small parts as well. A model that knows no such way
                ignores it. The result is the same but for rounding.

        Returns:
            As of a call, in `value_range`.
        """
        del thrift
        return self(image)


def open_restorer(
    model: str | Path = "auto",
    *,
    device: str | torch.device = "auto",
    dtype: Dtype = "auto",
    detail: float | None = None,
    guidance: float | None = None,
    pad_seed: int = 0,
    attention: Attention = "auto",
    compile: bool = False,  # noqa: A002 - torch's own word for it
) -> Restorer:
    """Load a model for use on one device.

    Args:
        model: Name of a built-in model, or a model file, ours or of a kind that spandrel knows;
            `auto` is the default for the device.
        device: See `pick_device`; `auto` is the first CUDA device, or else the CPU.
        dtype: Arithmetic, as in `RestoreSettings`.
        detail: Share of detail, 0 to 1, of a model that has the choice; None takes its own.
        guidance: Weight w of PadCFG; None takes the model's own.
        pad_seed: Draws the paddings of PadCFG; 0 is the paper's.
        attention: `auto` attends in windows on large pictures, `full` everywhere to everything.
        compile: Whether the network is compiled, at its first call for each shape.

    Raises:
        DeviceError: There is no such device, or it lacks the arithmetic.
        ModelError: The model is missing or bad.
        SettingsError: The model has no such choice, and one is given.
    """
    # A model's own code is loaded only for a model of its kind.
    place = pick_device(device) if isinstance(device, str) else device
    if model != "auto" and not is_ours(find_model(model)):
        from vs_gendrpix.models.community import CommunityRestorer  # noqa: PLC0415

        path = find_model(model)
        _refuse_ours_alone(path, detail=detail, guidance=guidance, attention=attention)
        return CommunityRestorer(path, device=place, dtype=dtype)
    from vs_gendrpix.models.gendrpix.restorer import GenDRPixRestorer  # noqa: PLC0415

    return GenDRPixRestorer(
        model,
        device=place,
        dtype=dtype,
        detail=detail,
        guidance=guidance,
        pad_seed=pad_seed,
        attention=attention,
        compile=compile,
    )


def check_restorer(path: Path) -> frozenset[Dtype]:
    """See that a model file holds a model that can be opened.

    Returns:
        The arithmetics in which it is known to be good.

    Raises:
        ModelError: It does not.
        SettingsError: It needs a package that is not installed.
    """
    if is_ours(path):
        from vs_gendrpix.models.gendrpix.files import check_model  # noqa: PLC0415

        check_model(path)
        return frozenset({"fp32", "bf16", "fp16", "fp8"})
    from vs_gendrpix.models.community import arithmetics, load_community  # noqa: PLC0415

    return arithmetics(load_community(path))


def _refuse_ours_alone(
    path: Path, *, detail: float | None, guidance: float | None, attention: Attention
) -> None:
    """Refuse choices that only our own network has.

    Raises:
        SettingsError: One is given.
    """
    with_detail(model_card(path), detail)
    if guidance is not None:
        raise SettingsError(f"the model {path.stem} has no guidance: leave --guidance away")
    if attention == "full":
        raise SettingsError(f"the model {path.stem} has no choice of attention: leave it away")
