"""Open a model file as a restorer, whatever kind of model it holds."""

from pathlib import Path

import torch

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.catalogue import find_model, is_ours, model_card, with_detail
from vs_gendrpix.models.devices import pick_device
from vs_gendrpix.models.restorer import Restorer
from vs_gendrpix.settings import Attention, Dtype


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
    """Check that a model file can be opened as a restorer.

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
