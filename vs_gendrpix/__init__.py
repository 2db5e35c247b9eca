"""One-step diffusion video restoration in pixel space (GenDR-Pix).

    from vs_gendrpix import ProcessSettings, process      # a file
    process("in.mp4", "out.mp4", ProcessSettings())

    from vs_gendrpix import gendrpix                      # a clip in a VapourSynth script
    clip = gendrpix(clip, scale=4)

    from vs_gendrpix import make_plan, run                # a job, planned here and run elsewhere
    from vs_gendrpix import Engine, Frame, FrameFormat    # frames as numpy arrays
    from vs_gendrpix import open_restorer                 # pictures as tensors

`__all__` is the public interface. Importing this package loads neither torch nor av nor
vapoursynth: what needs them is fetched when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from vs_gendrpix.errors import (
    DeviceError,
    GendrpixError,
    MediaError,
    ModelError,
    NoFramesError,
    OutputError,
    ResourceError,
    SettingsError,
    VerificationError,
)
from vs_gendrpix.settings import (
    EncodeSettings,
    FinishSettings,
    JobSettings,
    PrepareSettings,
    ProcessSettings,
    ReadSettings,
    RestoreSettings,
    StreamSettings,
    WriteSettings,
)

if TYPE_CHECKING:
    from vs_gendrpix.frame.format import ColorSpec, Frame, FrameFormat, PixelLayout, Timing
    from vs_gendrpix.job.plan import Plan, make_plan
    from vs_gendrpix.job.progress import Progress
    from vs_gendrpix.job.report import Report
    from vs_gendrpix.job.run import run
    from vs_gendrpix.job.segments.process import process
    from vs_gendrpix.models.opening import open_restorer
    from vs_gendrpix.models.restorer import Restorer
    from vs_gendrpix.restore.engine import Engine
    from vs_gendrpix.vapoursynth.filter import gendrpix
    from vs_gendrpix.vapoursynth.source import source_clip

    __version__: str

__all__ = [
    "ColorSpec",
    "DeviceError",
    "EncodeSettings",
    "Engine",
    "FinishSettings",
    "Frame",
    "FrameFormat",
    "GendrpixError",
    "JobSettings",
    "MediaError",
    "ModelError",
    "NoFramesError",
    "OutputError",
    "PixelLayout",
    "Plan",
    "PrepareSettings",
    "ProcessSettings",
    "Progress",
    "ReadSettings",
    "Report",
    "ResourceError",
    "RestoreSettings",
    "Restorer",
    "SettingsError",
    "StreamSettings",
    "Timing",
    "VerificationError",
    "WriteSettings",
    "__version__",
    "gendrpix",
    "make_plan",
    "open_restorer",
    "process",
    "run",
    "source_clip",
]

_HOMES = {
    "ColorSpec": "frame.format",
    "Engine": "restore.engine",
    "Frame": "frame.format",
    "FrameFormat": "frame.format",
    "PixelLayout": "frame.format",
    "Plan": "job.plan",
    "Progress": "job.progress",
    "Report": "job.report",
    "Restorer": "models.restorer",
    "Timing": "frame.format",
    "gendrpix": "vapoursynth.filter",
    "make_plan": "job.plan",
    "open_restorer": "models.opening",
    "process": "job.segments.process",
    "run": "job.run",
    "source_clip": "vapoursynth.source",
}
"""The modules of the names that are fetched when they are first used."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attributes have any type
    if name == "__version__":
        return import_module("importlib.metadata").version("vs-gendrpix")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
