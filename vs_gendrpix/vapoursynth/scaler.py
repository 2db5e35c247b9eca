"""A scaler for vsjetpack: `GenDRPix().scale(clip, 1440, 1080)`, `GenDRPix().supersample(clip)`."""

from typing import Any

import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel
from vsscale import BaseGenericScaler

from vs_gendrpix.settings import MAX_RESIZE
from vs_gendrpix.vapoursynth.filter import gendrpix


class GenDRPix(BaseGenericScaler):  # type: ignore[misc] # vsscale is optional, so mypy cannot see it
    """Scaler for vsjetpack that restores a clip, to any size that `gendrpix` can make.

    A size below the clip's, or beyond 8 times it, is made from the nearest one that can be restored
    by vsjetpack's own scaler.

    Args:
        kernel: vsjetpack's kernel for that and for shifts.
        options: Parameters of `vs_gendrpix.gendrpix`, except for scale, width, height and format.
    """

    _static_kernel_radius = 4  # a cell of 8 x 8 pixels is restored as one

    def __init__(self, *, kernel: Any = "Catrom", **options: Any) -> None:  # noqa: ANN401 - theirs
        super().__init__(kernel=kernel)
        self.options = options

    def scale(
        self,
        clip: vs.VideoNode,
        width: int | None = None,
        height: int | None = None,
        shift: tuple[float, float] = (0, 0),
        **options: Any,  # noqa: ANN401 - vsjetpack's interface
    ) -> vs.VideoNode:
        """Restore a clip.

        Args:
            clip: See `gendrpix`.
            width: Output width in pixels; None is the clip's own.
            height: Output height in pixels; None is the clip's own.
            shift: By how much of an output pixel to move the picture, up and to the left.
            options: Parameters of `gendrpix` that differ from those of the scaler.
        """
        width, height = self._wh_norm(clip, width, height)
        restored = gendrpix(
            clip,
            width=min(max(width, clip.width), MAX_RESIZE * clip.width),
            height=min(max(height, clip.height), MAX_RESIZE * clip.height),
            **{**self.options, **options},
        )
        return self._finish_scale(restored, clip, width, height, shift)
