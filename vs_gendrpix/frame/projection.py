"""The projection of a spherical video: a plain value."""

from dataclasses import dataclass
from struct import pack
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The projection of a spherical video (Google's Spherical Video V2 RFC; Matroska has the same).

    Attributes:
        kind: How the sphere becomes a picture.
        pose: Yaw, pitch and roll of the sphere in degrees, times 65536.
        bounds: The picture's distances from the top, bottom, left and right of the whole sphere, as
            parts of it times 2^32; all 0 for the whole sphere.
        padding: Pixels around each face of a cube.
    """

    kind: Literal["equirectangular", "cubemap"]
    pose: tuple[int, int, int]
    bounds: tuple[int, int, int, int] = (0, 0, 0, 0)
    padding: int = 0

    @property
    def private(self) -> bytes:
        """The content of `equi` or `cbmp` in MP4, and of ProjectionPrivate in Matroska."""
        if self.kind == "cubemap":
            return pack(">3I", 0, 0, self.padding)
        return pack(">5I", 0, *self.bounds)
