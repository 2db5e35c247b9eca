"""Settings of pairs: how many are stored, from which scale on, and who labels them."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from vs_gendrpix.errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class TeacherSettings:
    """A larger model that labels stored pairs, and which of them follow it.

    A picture that has kept its detail should become the clean one, which is known; one that has
    lost it should become what the teacher makes of it. Between the two bounds it is a mean.

    Attributes:
        model: A model file that spandrel loads; relative paths count from the recipe's folder.
        clean_below: Share of lost detail up to which the clean picture is the target (see
            `teacher.lost_detail`).
        teacher_above: Share of lost detail from which on the teacher's picture is the target.
    """

    model: Path
    clean_below: float = 0.5
    teacher_above: float = 0.75

    def share(self, lost: Tensor) -> Tensor:
        """Teacher's share of the target, 0 to 1.

        Args:
            lost: (B,) shares of lost detail.
        """
        share = (lost - self.clean_below) / (self.teacher_above - self.clean_below)
        return share.clamp(0, 1)

    def __post_init__(self) -> None:
        if not 0 <= self.clean_below < self.teacher_above <= 1:
            raise SettingsError("a teacher needs 0 <= clean_below < teacher_above <= 1")


MAX_SCALE = 4.0
"""The largest scale at which pairs are degraded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairSettings:
    """Pairs that are made beforehand and used again.

    Attributes:
        count: How many; 0 makes every pair when it is needed, and uses it once.
        side: Their side in pixels, at least a crop's: the more, the more crops are in them.
        negative_share: Share of them that are negative items (see `StageSettings`).
        min_scale: Least of the scales 1, 2, 3 and 4 at which they are degraded, for a network of
            strong enlargement alone.
    """

    count: int = 0
    side: int = 160
    negative_share: float = 0.0
    min_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.min_scale > MAX_SCALE:
            raise SettingsError(f"no pairs have a scale above {MAX_SCALE:g}: lower min_scale")
        if self.count < 0 or self.side < 64 or not 0 <= self.negative_share < 1:
            raise SettingsError(
                "pairs need count 0 or more, side 64 or more, negative_share below 1"
            )
