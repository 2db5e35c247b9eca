"""Choose the frames that a comparison page shows: some spread over the clip, and the worst."""

from collections.abc import Sequence

WORST_SHARE = 1 / 3
"""Share of the frames that are chosen because they are the worst."""


def chosen(badness: Sequence[float], count: int) -> list[int]:
    """Choose frames to show.

    The worst are taken first, but no two neighbours, so that one bad scene does not take all
    places. The rest is spread evenly.

    Args:
        badness: A value for each frame; higher is worse.
        count: How many to choose at most, 1 or more.

    Returns:
        Places in `badness`, rising.
    """
    total = len(badness)
    if total <= count:
        return list(range(total))
    apart = max(total // (2 * count), 1)
    worst: list[int] = []
    for place in sorted(range(total), key=lambda place: -badness[place]):
        if len(worst) >= max(count * WORST_SHARE, 1):
            break
        if all(abs(place - other) > apart for other in worst):
            worst.append(place)
    others = [place for place in range(total) if place not in worst]
    rest = count - len(worst)
    spread = [others[step * (len(others) - 1) // max(rest - 1, 1)] for step in range(rest)]
    return sorted([*worst, *spread])
