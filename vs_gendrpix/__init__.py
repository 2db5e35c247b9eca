"""One-step diffusion video restoration in pixel space (GenDR-Pix).

    from vs_gendrpix import ProcessSettings, process
    process("in.mp4", "out.mp4", ProcessSettings())

    from vs_gendrpix import gendrpix
    clip = gendrpix(clip, scale=4)  # in a VapourSynth script

Importing this package loads neither torch nor av nor vapoursynth; the names below are fetched when
first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vs_gendrpix.job.report import Report
    from vs_gendrpix.job.run import process
    from vs_gendrpix.settings import (
        EncodeSettings,
        FinishSettings,
        PrepareSettings,
        ProcessSettings,
        ReadSettings,
        RestoreSettings,
        StreamSettings,
        WriteSettings,
    )
    from vs_gendrpix.vapoursynth.filter import gendrpix
    from vs_gendrpix.vapoursynth.source import source_clip

__all__ = [
    "EncodeSettings",
    "FinishSettings",
    "PrepareSettings",
    "ProcessSettings",
    "ReadSettings",
    "Report",
    "RestoreSettings",
    "StreamSettings",
    "WriteSettings",
    "gendrpix",
    "process",
    "source_clip",
]

_HOMES = {
    "process": "job.run",
    "Report": "job.report",
    "gendrpix": "vapoursynth.filter",
    "source_clip": "vapoursynth.source",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have any type
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'settings')}"), name)


def __dir__() -> list[str]:
    return __all__
