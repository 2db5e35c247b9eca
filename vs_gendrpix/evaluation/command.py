"""Compare a model with resizes and print tables: the work of `gendrpix evaluate`."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.evaluation.clips import degraded_clips
from vs_gendrpix.evaluation.comparison import compare, write_json
from vs_gendrpix.evaluation.judge import Judge, Scores
from vs_gendrpix.evaluation.methods import Method, ModelMethod, bicubic, lanczos, peers
from vs_gendrpix.evaluation.sets import referenced, unreferenced
from vs_gendrpix.evaluation.sheet import Sheet
from vs_gendrpix.evaluation.table import REFERENCE, evaluate_motion, to_text
from vs_gendrpix.settings import RestoreSettings

log = logging.getLogger(__name__)


def evaluate(  # noqa: PLR0913 - the parameters are the command's
    model: str,
    folders: Sequence[Path],
    *,
    worn_folders: Sequence[Path] = (),
    clip_folders: Sequence[Path] = (),
    peers_folder: Path | None = None,
    motion: bool = False,
    json: Path | None = None,
    sheet: Path | None = None,
    device: str = "auto",
) -> None:
    """Compare a model with resizes at x4, and print a table for each folder.

    Args:
        model: The name of a built-in model, or a safetensors file.
        folders: Folders with LR/ and HR/, or of sharp pictures, which are degraded first.
        worn_folders: Folders of degraded pictures without a reference.
        clip_folders: Folders of sharp videos of 360 lines or more, which are degraded first.
        peers_folder: Weights of other networks, for spandrel.
        motion: Whether flicker and panning are measured too, on clips made of sharp pictures.
        json: A file for the scores.
        sheet: A file for crops, side by side.
        device: A name, as `pick_device` takes it.

    Raises:
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`.
    """
    sets = [
        *map(referenced, folders),
        *map(unreferenced, worn_folders),
        *map(degraded_clips, clip_folders),
    ]
    if not sets:
        raise SettingsError("nothing to judge by: give a FOLDER, --worn FOLDER or --clips FOLDER")
    # In fp32 whatever the device likes best, so that the scores of two machines compare.
    restorer = ModelMethod(RestoreSettings(model=model, device=device, dtype="fp32"))
    methods: dict[str, Method] = {"bicubic": bicubic, "lanczos": lanczos, "model": restorer}
    if peers_folder:
        methods |= peers(peers_folder, restorer.device)
    judge, crops = Judge(), Sheet()
    for line in judge.skipped:
        log.warning(line)
    scores: dict[str, dict[str, Scores]] = {}
    for samples in sets:
        found = compare(samples, methods, judge, crops)
        if motion and samples.unit == "pictures" and REFERENCE in found:
            for name, moving in evaluate_motion(samples, methods).items():
                found[name] |= moving
        scores[samples.name] = found
        sys.stdout.write(f"{to_text(samples.title, found)}\n\n")
        sys.stdout.flush()
    if sheet:
        crops.save(sheet)
    if json:
        write_json(json, {"model": model, "sets": scores})
