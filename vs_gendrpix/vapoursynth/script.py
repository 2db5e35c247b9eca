"""A VapourSynth script as an input: the frames of its first output."""

import io
import runpy
import sys
import traceback
from collections.abc import Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Self, TextIO

import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel

from vs_gendrpix.errors import UNWRITABLE, GendrpixError, MediaError
from vs_gendrpix.frame.clip import PICTURE_RATE, ClipInfo
from vs_gendrpix.frame.format import Frame, FrameFormat, Timing
from vs_gendrpix.frame.span import Within
from vs_gendrpix.read.look.fields import PROGRESSIVE, Scan
from vs_gendrpix.vapoursynth.formats import copied_planes, source_format

_TICKS = Fraction(1, 90_000)  # the clock of a clip of variable rate
_AHEAD = 4  # frames that VapourSynth computes at a time


class ScriptInput:
    """A script's first output as an `Input`.

    A context manager. The script runs as ordinary Python, without any restriction. What it prints
    goes to the standard error stream, if that takes it. An alpha clip of its output becomes an
    alpha plane.

    Args:
        path: The script.
        in_transfer: The transfer that the user declares, by the name of its setting.

    Raises:
        MediaError: The script fails, or has no output.
    """

    rereadable = True
    delay = Fraction(0)

    def __init__(self, path: Path, in_transfer: str = "auto") -> None:
        self.path, self._in_transfer = path, in_transfer
        self._reading: ScriptFrames | None = None
        self._clip, self._alpha = _run(path)
        with _faults(path):
            rate = Fraction(self._clip.fps.numerator, self._clip.fps.denominator)
            self.length = len(self._clip) / (rate or PICTURE_RATE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ended: object) -> None:
        self._leave()
        self._clip = self._alpha = None
        vs.clear_outputs()

    def frames(
        self, start: Fraction | None, end: Fraction | None, within: Within | None = None
    ) -> "ScriptFrames":
        """Begin to read a range. A script's frames depend on no earlier ones."""
        del within
        self._leave()
        with _faults(self.path):
            self._reading = ScriptFrames(
                self.path,
                self._clip,
                self._alpha,
                start=start,
                end=end,
                in_transfer=self._in_transfer,
            )
        return self._reading

    def fields(self, start: Fraction | None, end: Fraction | None) -> Scan:
        """Return that the frames are progressive: others are refused when they are read."""
        del start, end
        return PROGRESSIVE

    def refuse_changes(self, first: FrameFormat, end: Fraction | None) -> None:
        """Do nothing: a script's output has one format."""

    def _leave(self) -> None:
        """Release the frames that VapourSynth has computed ahead."""
        if self._reading is not None:
            self._reading.close()
        self._reading = None


class ScriptFrames:
    """The frames of a script's output in a range of time, as in `read.source.Source`.

    Args:
        path: The script, for messages.
        clip: Its output.
        alpha: The alpha clip beside it; None if there is none.
        start: First second to keep; None is the beginning.
        end: Second before which to stop; None is the end.
        in_transfer: The transfer that the user declares; see `ScriptInput`.

    Raises:
        MediaError: There are no such frames, or they cannot be restored.
    """

    def __init__(
        self,
        path: Path,
        clip: vs.VideoNode,
        alpha: "vs.VideoNode | None",
        *,
        start: Fraction | None,
        end: Fraction | None,
        in_transfer: str = "auto",
    ) -> None:
        self.path, self.decoded = path, 0
        self._start, self._end, self._in_transfer = start or Fraction(0), end, in_transfer
        self._clip, self._alpha = clip, alpha
        rate = Fraction(clip.fps.numerator, clip.fps.denominator)
        self._time_base = 1 / rate if rate else _TICKS
        self.offset = self._start // self._time_base * self._time_base
        self._frames = self._in_range(rate)
        ahead = next(self._frames, None)
        if ahead is None:
            raise MediaError(f"the script {path} has no frames between start and end")
        self._ahead: tuple[vs.VideoFrame, vs.VideoFrame | None, Timing] | None = ahead
        props = dict(ahead[0].props)
        shape = [int(props.get(name, 0)) for name in ("_SARNum", "_SARDen")]
        self.info = ClipInfo(
            format=self._describe(props),
            time_base=self._time_base,
            average_rate=rate or PICTURE_RATE,
            frames=self._expected(rate),
            sample_aspect_ratio=Fraction(*shape) if all(shape) else Fraction(1),
            rotation=0,
        )
        self.first = self.info.format

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames, in order. May be called once.

        Raises:
            MediaError: A filter of the script fails.
        """
        shift = int(self.offset / self._time_base)
        while self._ahead is not None:
            picture, alpha, timing = self._ahead
            with _faults(self.path):
                planes = copied_planes(picture) + (() if alpha is None else copied_planes(alpha))
            self.decoded += 1
            timing = replace(timing, pts=timing.pts - shift)
            yield Frame(format=self.info.format, planes=planes, timing=timing)
            with _faults(self.path):
                self._ahead = next(self._frames, None)

    def close(self) -> None:
        """Stop reading."""
        self._frames.close()
        self._ahead = self._clip = self._alpha = None

    def _in_range(
        self, rate: Fraction
    ) -> "Generator[tuple[vs.VideoFrame, vs.VideoFrame | None, Timing]]":
        """Yield the frames from `start` on and before `end`, with their alpha frames and times."""
        clip, alpha, skipped = self._clip, self._alpha, 0
        if rate:  # frames before the start are not computed
            skipped = min(-int(-self._start * rate // 1), len(clip))
            clip = clip[skipped:] if skipped < len(clip) else None
        if clip is None:
            return
        alphas = iter(()) if alpha is None else _frames(alpha[skipped:])
        seconds = skipped / rate if rate else Fraction(0)
        for frame in _frames(clip):
            beside = next(alphas, None)
            lasts = _duration(frame, rate)
            if self._end is not None and seconds >= self._end:
                return
            if seconds >= self._start:
                timing = Timing(
                    pts=round(seconds / self._time_base),
                    duration=round(lasts / self._time_base),
                    time_base=self._time_base,
                )
                yield frame, beside, timing
            seconds += lasts

    def _describe(self, props: dict[str, Any]) -> FrameFormat:
        """The format of the frames."""
        try:
            form = source_format(self._clip, props, None, self._in_transfer)
        except ValueError as error:
            raise MediaError(f"the output of the script {self.path}: {error}") from error
        # VapourSynth sees to the alpha clip's size.
        return replace(form, layout=replace(form.layout, alpha=self._alpha is not None))

    def _expected(self, rate: Fraction) -> int:
        """Number of frames in the range; 0 if it is not known before they are read."""
        if not rate:
            return len(self._clip) if not self._start and self._end is None else 0
        last = len(self._clip) if self._end is None else int(-(-self._end * rate // 1))
        return max(0, min(last, len(self._clip)) - int(-(-self._start * rate // 1)))


def _run(path: Path) -> "tuple[vs.VideoNode, vs.VideoNode | None]":
    """Run a script and return its first output, with its alpha clip or None."""
    if not path.is_file():
        raise MediaError(f"there is no file {path}")
    vs.clear_outputs()
    try:
        said = _Said(sys.stderr)
        with redirect_stdout(said), redirect_stderr(said):
            runpy.run_path(str(path), run_name="__vapoursynth__")
    except (Exception, SystemExit) as error:
        line = traceback.extract_tb(error.__traceback__)
        where = [entry.lineno for entry in line if entry.filename == str(path)]
        place = f" in line {where[-1]}" if where else ""
        raise MediaError(
            f"the script {path} fails{place}: {type(error).__name__}: {_last_line(error)}"
        ) from error
    outputs = vs.get_outputs()
    output = outputs.get(min(outputs)) if outputs else None
    if not isinstance(output, vs.VideoOutputTuple):
        raise MediaError(f"the script {path} has no video: let it end in clip.set_output()")
    return output.clip, output.alpha


class _Said(io.StringIO):
    """A stream for what a script prints, which never fails.

    Args:
        stream: The standard error stream; None where there is none.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text, or drop it if the stream is closed."""
        with suppress(*UNWRITABLE):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream, if it can be."""
        with suppress(*UNWRITABLE):
            if self._stream is not None:
                self._stream.flush()


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    """Turn errors of VapourSynth and of the script in the `with` block into `MediaError`."""
    try:
        yield
    except (GendrpixError, MemoryError):
        raise
    except vs.Error as error:
        raise MediaError(f"a filter of the script {path} fails: {_last_line(error)}") from error
    except Exception as error:
        what = f"{type(error).__name__}: {_last_line(error)}"
        raise MediaError(f"the output of the script {path} cannot be read: {what}") from error


def _frames(clip: vs.VideoNode) -> Iterator[vs.VideoFrame]:
    """Yield the frames of a clip, with a few computed ahead."""
    yield from clip.frames(prefetch=_AHEAD, backlog=_AHEAD)


def _duration(frame: vs.VideoFrame, rate: Fraction) -> Fraction:
    """Duration of a frame in seconds."""
    if rate:
        return 1 / rate
    sides = [int(frame.props.get(name, 0)) for name in ("_DurationNum", "_DurationDen")]
    return Fraction(*sides) if all(side > 0 for side in sides) else 1 / PICTURE_RATE


def _last_line(error: BaseException) -> str:
    """Return the last line of an error: a filter written in Python puts a traceback before it."""
    return (str(error).strip() or "no reason is given").splitlines()[-1]
