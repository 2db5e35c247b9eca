"""The settings of a whole run, nested by what happens to a frame."""

from dataclasses import dataclass

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.settings.read import PrepareSettings, ReadSettings
from vs_gendrpix.settings.restore import RestoreSettings
from vs_gendrpix.settings.write import FinishSettings, WriteSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """All settings of a run: a group for each step, from reading to writing."""

    read: ReadSettings = ReadSettings()
    prepare: PrepareSettings = PrepareSettings()
    restore: RestoreSettings = RestoreSettings()
    finish: FinishSettings = FinishSettings()
    write: WriteSettings = WriteSettings()

    def __post_init__(self) -> None:
        if self.finish.keep_bars and self.prepare.crop is None:
            raise SettingsError("there are no bars to keep without a crop: give --crop too")
