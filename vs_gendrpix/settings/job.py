"""Settings that divide the work: in segments, among workers."""

import re
from dataclasses import dataclass

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings.option import check, option

_RAY = re.compile(r"ray(://\S+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings:
    """Settings of a job: whether it is made in segments, and who works on it."""

    segments: bool = option(
        True,
        "make a long clip in segments, in a folder OUT.job: after a crash or a power cut the same "
        "command goes on",
        "--no-job",
        flag_text="make one piece, from the beginning after a crash",
    )
    keep: bool = option(False, "keep the folder OUT.job when the output is there", "--keep-job")
    workers: str | None = option(
        None,
        "processes that work at the same time on one job: a number; or `ray`, all devices of this "
        "machine; or `ray://HOST:PORT`, those of a Ray cluster",
        "--workers",
        metavar="N|ray",
        default_text="one for each device that is named; this process for one device",
    )

    def __post_init__(self) -> None:
        check(self)
        if self.workers is None:
            return
        number = self.workers.isascii() and self.workers.isdecimal() and 0 < len(self.workers) < 5
        if not (number and int(self.workers)) and not _RAY.fullmatch(self.workers):
            raise SettingsError(
                f"workers {self.workers!r}: use a number from 1 on, ray or ray://HOST:PORT"
            )
        if not self.segments:
            raise SettingsError("workers share a job's segments: give --workers or --no-job")

    @property
    def on_ray(self) -> bool:
        """Whether Ray places the workers."""
        return self.workers is not None and self.workers.startswith("ray")
