"""Compare clips and write a page: the work of `gendrpix compare`."""

from pathlib import Path

from vs_gendrpix.compare.destination import Destination
from vs_gendrpix.compare.making import MOST, make_page
from vs_gendrpix.compare.sides import Given
from vs_gendrpix.errors import SettingsError


def compare(
    paths: list[Path],
    output: Path,
    *,
    reference: Path | None = None,
    frames: int = 24,
    overwrite: bool = False,
) -> bool:
    """Compare clips or pictures, and write a page that shows them.

    All are made as large as the largest. Frames are paired by time from each clip's first frame,
    numbered pictures by their order; the frames of the first one set the pace.

    Args:
        paths: Videos, pictures, numbered pictures or VapourSynth scripts.
        output: The page. Pictures that are too large for it lie in a folder beside it.
        reference: What the others should look like; None compares them with the first.
        frames: How many frames are shown at most, 1 or more.
        overwrite: Whether an existing page and its pictures may be replaced.

    Returns:
        Whether all that was read was whole; damage is in the log.

    Raises:
        GendrpixError: One of its kinds, see `vs_gendrpix.errors`.
    """
    shown = paths if reference is None or reference in paths else [*paths, reference]
    if not 2 <= len(shown) <= MOST:
        raise SettingsError(f"{len(shown)} clips cannot be compared: name 2 to {MOST} in all")
    anchor = 0 if reference is None else shown.index(reference)
    with Destination(output, shown, overwrite=overwrite) as place:
        return make_page(
            place,
            [Given(path=path) for path in shown],
            anchor=anchor,
            referenced=reference is not None,
            frames=frames,
        )
