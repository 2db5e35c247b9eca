"""Errors shown as VapourSynth's, and objects closed at the end of a script."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel

from vs_gendrpix.errors import GendrpixError, one_line


class Closeable(Protocol):
    """An object that holds threads, memory or a file until it is closed."""

    def close(self) -> None:
        """Release the threads, memory or file."""


@contextmanager
def as_vs_error(where: str = "") -> Iterator[None]:
    """Raise all errors as `vs.Error`: one line that begins with the name of the filter.

    VapourSynth would show another exception of a frame's function as a traceback in its message.

    Args:
        where: Text before the message, such as the number of the frame.
    """
    try:
        yield
    except GendrpixError as error:
        raise vs.Error(one_line(f"gendrpix: {where}{error}")) from None
    except vs.Error:
        raise
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise vs.Error(one_line(f"gendrpix: {where}{what}")) from error


def close_with_core(owner: Closeable) -> None:
    """Close an object when the script ends.

    The core keeps what is registered with it until then. So it gets a weak reference: a bound
    method would keep the object, and all that it holds, alive after its clip is gone.
    """
    this = weakref.ref(owner)

    def close() -> None:
        alive = this()
        if alive is not None:
            alive.close()

    vs.register_on_destroy(close)
