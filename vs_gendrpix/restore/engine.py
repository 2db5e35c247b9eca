"""The engine: devices and their restorers, for any number of clips."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self
from weakref import WeakSet

import torch

from vs_gendrpix.errors import ModelError
from vs_gendrpix.frame.format import FrameFormat
from vs_gendrpix.frame.notes import Notes
from vs_gendrpix.models.devices import pick_devices, pick_dtype
from vs_gendrpix.models.opening import open_restorer
from vs_gendrpix.models.restorer import Restorer
from vs_gendrpix.restore.lanes import ClipLanes, guard
from vs_gendrpix.settings import RestoreSettings

Opener = Callable[[torch.device], Restorer]
"""Opens a restorer for a device."""


class Engine:
    """Restores clips of any sizes and formats; each device loads its restorer once.

        with Engine(settings) as engine, engine.clip(source, target) as clip:
            for restored in clip.map(frames):
                ...

    Args:
        settings: How to restore.
        notes: Is told what there is to say: memory that ran out, CUDA graphs that were given up.
        opener: Opens the restorer of each device; None opens the model of the settings.

    Attributes:
        devices: One for each lane of a clip, as the settings name them.
        restorer: The restorer of the first device.

    Raises:
        DeviceError: There is no such device, or it has not enough memory.
        ModelError: The model is missing or bad, or needs neighbouring frames.
    """

    def __init__(
        self,
        settings: RestoreSettings,
        notes: Notes | None = None,
        *,
        opener: Opener | None = None,
    ) -> None:
        self.devices = pick_devices(settings.device)
        self._settings, self._notes = settings, notes or Notes()
        if opener is None:
            if len({pick_dtype(settings.dtype, device) for device in self.devices}) > 1:
                settings = replace(settings, dtype="fp32")  # so that every lane computes the same
            opener = partial(settings_restorer, settings)
        self._restorers = {device: guard(opener, device) for device in dict.fromkeys(self.devices)}
        self.restorer = self._restorers[self.devices[0]]
        if self.restorer.reach:
            raise ModelError(
                f"{self.restorer.card.name} needs {self.restorer.reach} neighbouring frames on "
                "each side: use a model that restores single frames"
            )
        self._clips: WeakSet[ClipLanes] = WeakSet()

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return self.restorer.card.name

    @property
    def model_file(self) -> Path | None:
        """Path of the model file; None if the model is from no file."""
        return self.restorer.file

    def clip(
        self, source: FrameFormat, target: FrameFormat, notes: Notes | None = None
    ) -> ClipLanes:
        """Make ready for the frames of a clip; closed by the caller, or with the engine.

        Args:
            source: Format of every frame that goes in.
            target: Format of every frame that comes out; its size decides the scale.
            notes: Is told what there is to say of this clip; None is the engine's.

        Raises:
            DeviceError: A device has not enough memory.
        """
        lanes = ClipLanes(
            self.devices,
            self._restorers,
            self._settings,
            source,
            target,
            batch=self._settings.batch_size,
            notes=notes or self._notes,
        )
        self._clips.add(lanes)
        return lanes

    def close(self) -> None:
        """Close all clips."""
        for clip in list(self._clips):
            clip.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def settings_restorer(settings: RestoreSettings, device: torch.device) -> Restorer:
    """Open the model that settings name, with their choices, on a device.

    Raises:
        DeviceError: The device lacks the arithmetic.
        ModelError: The model is missing or bad.
        SettingsError: The model has no choice of detail, and one is given.
    """
    return open_restorer(
        settings.model_path or settings.model,
        device=device,
        dtype=settings.dtype,
        detail=settings.detail,
        guidance=settings.guidance,
        pad_seed=settings.pad_seed,
        attention=settings.attention,
        compile=settings.compile,
    )
