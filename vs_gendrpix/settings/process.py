"""Settings of a whole run, grouped by step."""

from dataclasses import dataclass
from typing import Self

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings.job import JobSettings
from vs_gendrpix.settings.option import check
from vs_gendrpix.settings.read import PrepareSettings, ReadSettings
from vs_gendrpix.settings.restore import RestoreSettings
from vs_gendrpix.settings.write import FinishSettings, WriteSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """All settings of a run: a group for each step, and one for how the work is divided."""

    read: ReadSettings = ReadSettings()
    prepare: PrepareSettings = PrepareSettings()
    restore: RestoreSettings = RestoreSettings()
    finish: FinishSettings = FinishSettings()
    write: WriteSettings = WriteSettings()
    job: JobSettings = JobSettings()

    @classmethod
    def of(cls, given: object) -> Self:
        """Return the given settings, or the defaults for None.

        Raises:
            SettingsError: It is of another type.
        """
        if given is None:
            return cls()
        if not isinstance(given, cls):
            raise SettingsError(f"settings of the type {type(given).__name__}: use {cls.__name__}")
        return given

    def __post_init__(self) -> None:
        check(self)
        if self.finish.keep_bars and self.prepare.crop is None:
            raise SettingsError("there are no bars to keep without a crop: give --crop too")
        device = self.restore.device
        if self.job.on_ray and device not in {"auto", "cpu", "cuda"}:
            raise SettingsError(f"Ray chooses the devices, not {device}: use auto, cuda or cpu")
