"""Mutants of a file: what transmission, cutting and rotting make of it, each by its number."""

from collections.abc import Callable
from random import Random

_EXTREMES = tuple(
    map(bytes.fromhex, ("ffffffff", "7fffffff", "80000000", "00000000", "ffffff7f", "00000080"))
)


def _head(content: bytearray, draw: Random) -> bytearray:
    """Overwrite bytes near the beginning, where containers and codecs describe themselves."""
    for _ in range(draw.randint(1, 12)):
        content[draw.randrange(min(len(content), 1500))] = draw.randrange(256)
    return content


def _tail(content: bytearray, draw: Random) -> bytearray:
    """Overwrite bytes near the end, where others have their index."""
    for _ in range(draw.randint(1, 12)):
        content[-1 - draw.randrange(min(len(content), 1500))] = draw.randrange(256)
    return content


def _bits(content: bytearray, draw: Random) -> bytearray:
    """Flip bits anywhere."""
    for _ in range(draw.choice((1, 8, 64))):
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return content


def _zero(content: bytearray, draw: Random) -> bytearray:
    """Fill a stretch with zeros, as a lost block of a disc."""
    begin, size = _stretch(content, draw)
    content[begin : begin + size] = bytes(size)
    return content


def _noise(content: bytearray, draw: Random) -> bytearray:
    """Fill a stretch with noise."""
    begin, size = _stretch(content, draw)
    content[begin : begin + size] = draw.randbytes(size)
    return content


def _splice(content: bytearray, draw: Random) -> bytearray:
    """Move a stretch to another place."""
    begin, size = _stretch(content, draw)
    piece = content[begin : begin + size]
    del content[begin : begin + size]
    at = draw.randrange(len(content))
    content[at:at] = piece
    return content


def _gap(content: bytearray, draw: Random) -> bytearray:
    """Take a stretch out."""
    begin, size = _stretch(content, draw)
    del content[begin : begin + size]
    return content


def _twice(content: bytearray, draw: Random) -> bytearray:
    """Repeat a stretch."""
    begin, size = _stretch(content, draw)
    content[begin:begin] = content[begin : begin + size]
    return content


def _cut(content: bytearray, draw: Random) -> bytearray:
    """Cut off the end."""
    return content[: draw.randrange(1, len(content))]


def _numbers(content: bytearray, draw: Random) -> bytearray:
    """Put extreme numbers in the place of four bytes, where a size or a count may be."""
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(min(len(content) - 4, draw.choice((600, 4000, len(content)))))
        content[at : at + 4] = draw.choice(
            (
                b"\xff\xff\xff\xff",
                b"\x7f\xff\xff\xff",
                b"\x80\0\0\0",
                b"\0\0\0\0",
                b"\xff\xff\xff\x7f",
            )
        )
    return content


def _stretch(content: bytearray, draw: Random) -> tuple[int, int]:
    """Draw a place, and a length of up to a tenth of the file."""
    size = draw.randint(1, max(len(content) // 10, 1))
    return draw.randrange(len(content) - size), size


MUTATORS: tuple[Callable[[bytearray, Random], bytearray], ...] = (
    *(_head, _tail, _bits, _zero, _noise, _splice, _gap, _twice, _cut, _numbers),
)


def mutant(content: bytes, number: int) -> tuple[str, bytes]:
    """Change a file; every number gives another change, and always the same one.

    Returns:
        The name of the change, and the changed file.
    """
    change = MUTATORS[number % len(MUTATORS)]
    made = change(bytearray(content), Random(number))  # noqa: S311 - no secret
    return change.__name__.strip("_"), bytes(made)
