"""The display matrix of a decoded picture: how a player turns and mirrors it."""

from math import atan2, degrees, hypot
from struct import unpack_from
from typing import TYPE_CHECKING

from av.sidedata.sidedata import Type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.sidedata.sidedata import SideData

_EXACT = 0.01
"""Largest deviation of a rotation's axes from right angles and equal lengths, relative to these."""


def read_orientation(side_data: "Mapping[Type, SideData]") -> tuple[int, bool, bool]:
    """Read how a player shows a picture, from its display matrix (`av_display_rotation_get`).

    A scale is no part of it: libavformat makes it the pixel aspect ratio.

    Returns:
        Clockwise degrees of the rotation, from 0 on and below 360; whether left and right are
        exchanged after it; and whether that is all that the matrix does, beside a scale and a move.
    """
    if Type.DISPLAYMATRIX not in side_data:
        return 0, False, True
    across, down, _, across_of_y, down_of_y, *_ = unpack_from(
        "9i", bytes(side_data[Type.DISPLAYMATRIX])
    )
    mirrored = across * down_of_y - down * across_of_y < 0
    if mirrored:
        across, across_of_y = -across, -across_of_y
    lengths = hypot(across, down), hypot(across_of_y, down_of_y)
    if not all(lengths):
        return 0, False, False
    slant = (across * across_of_y + down * down_of_y) / (lengths[0] * lengths[1])
    return round(degrees(atan2(down, across))) % 360, mirrored, abs(slant) < _EXACT
