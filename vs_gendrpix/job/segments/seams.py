"""Check that successive segments fit: both decode the frame between them.

A segment is decoded from a keyframe before it. Some keyframes are none: a container may call so
what depends on earlier pictures, and damage is concealed with what was decoded before. Then
decoding from there gives other pictures than decoding the whole. The first segment is right, since
it begins where the clip does. So is each whose frame before it is the last one of a right segment.
"""

from collections.abc import Sequence
from itertools import pairwise

from vs_gendrpix.frame.span import FARTHEST
from vs_gendrpix.job.segments.folder import JobFolder
from vs_gendrpix.job.segments.manifest import Manifest


def expected_before(folder: JobFolder, number: int) -> str | None:
    """Digest of the last frame of the segment before; None if that is not finished."""
    before = folder.manifest(number - 1) if number else None
    return None if before is None else before.seam.last


def fits_what_follows(folder: JobFolder, number: int, last: str | None) -> bool:
    """Tell whether a segment's last frame agrees with a next segment decoded from the beginning.

    Args:
        folder: The job's folder.
        number: The segment's number.
        last: Digest of its last frame.
    """
    after = folder.manifest(number + 1)
    if after is None or after.seam.back < FARTHEST:
        return True
    return None in {after.seam.before, last} or after.seam.before == last


def discard_misfits(folder: JobFolder, number: int) -> None:
    """Discard a new segment, or one beside it, if they do not fit."""
    here = folder.manifest(number)
    for before, after in (
        (folder.manifest(number - 1) if number else None, here),
        (here, folder.manifest(number + 1)),
    ):
        if before is not None and after is not None:
            wrong = misfit(before, after)
            if wrong is not None:
                folder.discard(wrong.number, "the frame between two segments was decoded otherwise")


def doubtful(manifests: Sequence[Manifest]) -> list[int]:
    """List the segments that do not fit the one before, in whatever way they were decoded."""
    return [
        after.number
        for before, after in pairwise(manifests)
        if before.seam.last is not None and after.seam.before not in {None, before.seam.last}
    ]


def misfit(before: Manifest, after: Manifest) -> Manifest | None:
    """Return which of two neighbours was decoded wrongly; None if they fit.

    If both were decoded from the clip's beginning and differ, the decoder conceals damage each time
    otherwise: neither is better.
    """
    if before.seam.last is None or after.seam.before in {None, before.seam.last}:
        return None
    if after.seam.back < FARTHEST:
        return after
    return before if before.number and before.seam.back < FARTHEST else None
