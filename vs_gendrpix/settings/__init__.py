"""The choices that a user makes, and the one place where each option is declared.

process.py   ProcessSettings: read, prepare, restore, finish, write, job
read.py      ReadSettings, PrepareSettings
restore.py   RestoreSettings
write.py     FinishSettings, WriteSettings with EncodeSettings and StreamSettings
job.py       JobSettings
option.py    how a field declares its option, and what is made of the declarations
parsing.py   values that are written as text: times, rates, crops
profiles.py  profiles of outputs: an encoder with its settings by purpose
values.py    such values to and from JSON and TOML

The command's flags, `gendrpix`'s parameters and the tables in docs/ come from the declarations.
"""

from vs_gendrpix.settings.job import JobSettings
from vs_gendrpix.settings.process import ProcessSettings
from vs_gendrpix.settings.read import (
    Deinterlace,
    Hdr,
    InTransfer,
    OnChange,
    PrepareSettings,
    ReadSettings,
)
from vs_gendrpix.settings.restore import (
    MAX_RESIZE,
    MAX_SCALE,
    Attention,
    ColorFix,
    Dtype,
    RestoreSettings,
)
from vs_gendrpix.settings.write import (
    Compare,
    EncodeSettings,
    FinishSettings,
    OutColor,
    StreamSettings,
    WriteSettings,
)

__all__ = [
    "MAX_RESIZE",
    "MAX_SCALE",
    "Attention",
    "ColorFix",
    "Compare",
    "Deinterlace",
    "Dtype",
    "EncodeSettings",
    "FinishSettings",
    "Hdr",
    "InTransfer",
    "JobSettings",
    "OnChange",
    "OutColor",
    "PrepareSettings",
    "ProcessSettings",
    "ReadSettings",
    "RestoreSettings",
    "StreamSettings",
    "WriteSettings",
]
