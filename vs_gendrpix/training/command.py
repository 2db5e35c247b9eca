"""Run a stage of a recipe, or all of them: the work of `gendrpix train`."""

from pathlib import Path

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.training.all_stages import train_all
from vs_gendrpix.training.data.stored_pairs import store_pairs
from vs_gendrpix.training.settings import read_recipe
from vs_gendrpix.training.trainer import train


def run_stage(
    stage: str, *, config: Path, pictures: list[Path], out: Path, minutes: float | None = None
) -> Path:
    """Run one stage of a recipe, go on with one that was stopped, or run all that are left.

    Args:
        stage: The name of a stage, `pairs` for the stored pairs, or `all`.
        config: The TOML recipe; its paths count from its folder.
        pictures: Folders of photographs.
        out: The folder of the stages' folders.
        minutes: With `all`, the time that the steps of all stages are fitted to, pairs included.

    Returns:
        The path of the model or of the stored pairs.

    Raises:
        SettingsError: The recipe is bad, has no such stage, or the time is too short.
        MediaError: There are no pictures.
        ModelError: A model to begin with is missing or bad.
    """
    if minutes is not None and (stage != "all" or minutes <= 0):
        raise SettingsError("--minutes goes with all, and must be above 0")
    keep_freed()
    recipe = read_recipe(config)
    if stage == "pairs":
        return store_pairs(recipe, pictures=pictures, out=out)
    if stage == "all":
        seconds = None if minutes is None else 60 * minutes
        return train_all(recipe, pictures=pictures, out=out, seconds=seconds)
    return train(recipe, stage, pictures=pictures, out=out)
