"""The VapourSynth filter: submit and collect, with the frames to come as dependencies.

A frame is copied and queued by one node and waited for by another one. The second depends on frame
n of the first and on the `prefetch` frames after it, so that the device has work while the graph
waits. The first never blocks, and the second waits for the device only, never for the graph: so
nothing can wait in a circle, however few threads there are.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from fractions import Fraction
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import vapoursynth as vs  # type: ignore[import-untyped] # no py.typed in its wheel

from vs_gendrpix.errors import SettingsError
from vs_gendrpix.frame.format import Frame, FrameFormat, Timing
from vs_gendrpix.frame.target import target_format
from vs_gendrpix.models.catalogue import find_model, model_card, with_detail
from vs_gendrpix.models.heap import keep_freed
from vs_gendrpix.settings import Attention, ColorFix, Dtype, InTransfer, RestoreSettings
from vs_gendrpix.vapoursynth.core import as_vs_error, close_with_core
from vs_gendrpix.vapoursynth.formats import (
    check_progressive,
    copied_planes,
    pixel_layout,
    restored_props,
    says_matrix,
    source_format,
    write_planes,
)

if TYPE_CHECKING:
    from vs_gendrpix.restore.lanes import ClipLanes

MAX_PREFETCH = 64


def gendrpix(  # noqa: PLR0913 - the parameters of a filter are its interface
    clip: vs.VideoNode,
    scale: float | Fraction | None = None,
    *,
    width: int | None = None,
    height: int | None = None,
    format: int | None = None,  # noqa: A002 - what VapourSynth's own filters call it
    model: str = "auto",
    model_path: str | Path | None = None,
    device_index: int | str | Sequence[int | str] = 0,
    dtype: Dtype = "auto",
    detail: float | None = None,
    guidance: float | None = None,
    pad_seed: int = 0,
    strength: float = 1.0,
    grain: float = 0.0,
    color_fix: ColorFix = "lowband",
    attention: Attention = "auto",
    tile: int | Sequence[int] | None = None,
    overlap: int | Sequence[int] = 32,
    compile: bool = False,  # noqa: A002 - torch's own word for it
    batch_size: int = 1,
    prefetch: int | None = None,
    dedup: bool = True,
    matrix_in: int | None = None,
    transfer_in: InTransfer = "auto",
) -> vs.VideoNode:
    """Restore a clip.

    `tile` and `overlap` take one number, or a width and a height.

    Args:
        clip: Progressive GRAY or YUV of 8 to 16 bits or float, or RGB24 to RGB48, RGBH or RGBS, of
            one format and size.
        scale: Output size over input size (1 to 4; default: 4, unless a size is given).
        width: Output width in pixels, up to 8 times the input's (1 or more; default: follows the
            height).
        height: Output height in pixels, up to 8 times the input's (1 or more; default: follows the
            width).
        format: VapourSynth's number of the output format; None is the format of the clip.
        model: Name of a built-in model; `auto` is `tiny` on a CPU and `base` on a GPU (default:
            auto).
        model_path: A model file (.safetensors, .pth), instead of `model`.
        device_index: Number of the CUDA GPU, or the name of a device (`xpu`, `mps`), or several,
            which share the frames; -1 is the CPU. 0 is the CPU where there is no CUDA GPU.
        dtype: Arithmetic of the network: `bf16`, `fp16`, `fp32`; `auto` is bf16 where the device
            has it, or else fp32; `fp8` is bf16 with linear layers in 8 bits, for the paper's
            network on GPUs that have it, and needs the network compiled (default: auto).
        detail: How much detail a model with two ends draws: 0 is true to the input, 1 draws most (0
            to 1; default: the model's own).
        guidance: Weight of PadCFG; 1 runs the network once per frame (0 to 10; default: the model's
            own).
        pad_seed: Selects the two paddings of PadCFG; 0 is the paper's (4, 4) and (3, 5) (0 or more;
            default: 0).
        strength: Share of the network's change to apply: 0 only resizes, 1 restores fully (0 to 1;
            default: 1).
        grain: Share of the grain that the network removes to put back, made anew at the output's
            size: 1 is as strong as it was (0 to 2; default: 0).
        color_fix: `lowband` carries the input's low-frequency colour over, `none` does not
            (default: lowband).
        attention: How far a token sees on large pictures: 512 pixels around it (`auto`), or the
            whole picture, at a cost that grows with the square of its size (`full`) (default:
            auto).
        tile: Restore in tiles of this many pixels, a multiple of 8 from 64 on (default: whole
            frames, and tiles only if memory runs out).
        overlap: Pixels that neighbouring tiles share and fade across, a multiple of 4 up to half a
            tile (default: 32).
        compile: Compile the network: minutes at the start, less time per frame afterwards.
        batch_size: Frames that a device computes together (1 to 16; default: 1).
        prefetch: Frames that are started ahead of the one that is asked for, 0 to 64; None is
            enough for every device to have a batch in work and one in wait.
        dedup: Take the result of the frame before for a frame that is equal to it.
        matrix_in: Matrix of YUV frames that do not say theirs, by ITU-T H.273: 1 BT.709, 5 or 6
            BT.601, 9 BT.2020; None goes by the height, as players do: BT.709 from 720 lines on.
        transfer_in: Curve of the code values, whatever the property `_Transfer` says: `cineon`,
            `logc` (LogC3 at EI 800), `slog3` or `linear`; `auto` is the property's.

    Returns:
        The restored clip, with the properties of its source.

    Raises:
        vs.Error: A parameter is out of its range, the model is missing or bad, or the clip is of a
            kind that cannot be restored. What goes wrong later is the error of its frame.
    """
    keep_freed()
    with as_vs_error():
        if not isinstance(clip, vs.VideoNode):
            raise SettingsError(f"this is not a video clip, but {type(clip).__name__}")
        devices = _devices(device_index)
        settings = RestoreSettings(
            scale=None if scale is None else _fraction(scale),
            width=width,
            height=height,
            model=model,
            model_path=None if model_path is None else Path(model_path),
            device=",".join(devices),
            dtype=dtype,
            detail=detail,
            guidance=guidance,
            pad_seed=pad_seed,
            strength=strength,
            grain=grain,
            color_fix=color_fix,
            attention=attention,
            tile=None if tile is None else _pair("tile", tile),
            overlap=_pair("overlap", overlap),
            compile=compile,
            batch_size=batch_size,
            dedup=dedup,
        )
        ahead = _prefetch(prefetch, batch_size, len(devices))
        return _restored(
            clip,
            settings,
            format=format,
            matrix_in=matrix_in,
            transfer_in=transfer_in,
            ahead=ahead,
        )


def _restored(
    clip: vs.VideoNode,
    settings: RestoreSettings,
    *,
    format: int | None,  # noqa: A002 - VapourSynth's own word for it
    matrix_in: int | None,
    transfer_in: InTransfer,
    ahead: int,
) -> vs.VideoNode:
    """Decide on the format of the restored clip, and make the nodes that restore it."""
    if settings.model_path or settings.model != "auto":
        path = find_model(settings.model_path or settings.model)
        with_detail(model_card(path), settings.detail)
    if getattr(clip, "gpu_resident", False):
        clip = clip.std.GPUDownload()
    with clip.get_frame(0) as first:
        source = source_format(clip, first.props, matrix_in, transfer_in)
        if matrix_in is None and not says_matrix(clip, first.props):
            taken = "709" if source.color.matrix == 1 else "601"
            _inform(f"the clip does not say its matrix: taken as BT.{taken} by its height")
    form = clip.format if format is None else vs.core.get_video_format(int(format))
    layout = pixel_layout(form)
    size = settings.output_size(source.width, source.height, layout.chroma_step)
    target = target_format(source, layout, size)

    def build() -> "ClipLanes":
        # torch takes seconds to load: only once a frame is asked for.
        from vs_gendrpix.restore.engine import Engine  # noqa: PLC0415

        return Engine(settings).clip(source, target)

    shape = settings.aspect_change((source.width, source.height), size)
    jobs = _Jobs(build, source, room=2 * vs.core.num_threads + 4 * ahead + 8)
    return _graph(clip, jobs, target, form, shape, ahead)


def _inform(sentence: str) -> None:
    """Log a line in VapourSynth's own way."""
    vs.core.log_message(vs.MESSAGE_TYPE_INFORMATION, f"gendrpix: {sentence}")


def _graph(
    clip: vs.VideoNode,
    jobs: "_Jobs",
    target: FrameFormat,
    form: vs.VideoFormat,
    shape: Fraction,
    ahead: int,
) -> vs.VideoNode:
    """Make the two nodes: one submits frames and one collects them."""

    def submit(n: int, f: vs.VideoFrame) -> vs.VideoFrame:
        jobs.start(n, f)
        return f

    def collect(n: int, f: vs.VideoFrame | list[vs.VideoFrame]) -> vs.VideoFrame:
        given = f[0] if isinstance(f, list) else f
        with as_vs_error(f"frame {n}: "):
            restored = jobs.take(n, given).result()
        frame = vs.core.create_video_frame(form, target.width, target.height)
        write_planes(frame, restored.planes)
        frame.props.update(restored_props(given.props, target, shape))
        return frame

    submitted = clip.std.ModifyFrame(clip, submit)
    # Frames that were submitted are kept until they are collected: a second time would be too much.
    submitted.std.SetVideoCache(mode=1, fixedsize=1, maxsize=4 * ahead + 8)
    steps = range(1, min(ahead, clip.num_frames - 1) + 1)
    needed = [submitted, *(submitted[step:] + submitted[-1] * step for step in steps)]
    template = clip.std.BlankClip(width=target.width, height=target.height, format=form, keep=True)
    return template.std.ModifyFrame(needed, collect)


class _Jobs:
    """Frames of a clip that have been started and not collected yet.

    Args:
        build: Opens the engine and makes its lanes for the clip, when the first frame comes.
        source: The format of the clip.
        room: How many frames may be started and wait, at least 2.
    """

    def __init__(self, build: "Callable[[], ClipLanes]", source: FrameFormat, *, room: int) -> None:
        self._build, self._source, self._room = build, source, room
        self._lanes: ClipLanes | None = None
        self._pending: dict[int, Future[Frame]] = {}  # in the order in which they were started
        self._lock = Lock()
        close_with_core(self)

    def start(self, n: int, frame: vs.VideoFrame) -> None:
        """Start frame `n`, unless it is under way already or too many are; never blocks."""
        with self._lock:
            if n not in self._pending and len(self._pending) < self._room:
                self._pending[n] = self._begin(n, frame)

    def take(self, n: int, frame: vs.VideoFrame) -> Future[Frame]:
        """Return the restored frame `n`, started now unless it was started before.

        Frames are collected about in the order in which they were started. Those that were started
        long before this one are left from a seek: nobody will come for them.
        """
        with self._lock:
            if n in self._pending:
                older = list(takewhile(lambda other: other != n, self._pending))
                for stale in older[: -self._room // 2]:
                    del self._pending[stale]
                return self._pending.pop(n)
            if len(self._pending) >= self._room:
                del self._pending[next(iter(self._pending))]
            return self._begin(n, frame)

    def _begin(self, n: int, frame: vs.VideoFrame) -> Future[Frame]:
        """Copy a frame and queue it. An error is kept for whoever collects the frame."""
        try:
            check_progressive(frame.props)
            planes = copied_planes(frame)
            if self._lanes is None:
                self._lanes = self._build()
            timing = Timing(pts=n, duration=0, time_base=Fraction(1))
            job = self._lanes.submit(Frame(format=self._source, planes=planes, timing=timing))
        except Exception as error:  # noqa: BLE001 - whoever collects the frame raises it
            job = Future()
            job.set_exception(error)
        return job

    def close(self) -> None:
        """End the lanes' threads and free the engine's memory."""
        with self._lock:
            lanes, self._lanes = self._lanes, None
            self._pending.clear()
        if lanes is not None:
            lanes.close()


def _fraction(scale: Any) -> Fraction:  # noqa: ANN401 - what a script's author may have written
    """Read a scale as the author wrote it: the float 1.1 is 11/10."""
    try:
        return Fraction(str(scale))
    except ValueError:
        raise SettingsError(f"scale {scale!r} is not a number: use 1 to 4") from None


def _pair(name: str, value: int | Sequence[int]) -> tuple[int, int]:
    """Read columns and rows; one number stands for both."""
    numbers = [value, value] if isinstance(value, int) else list(value)
    if len(numbers) != 2 or not all(isinstance(number, int) for number in numbers):
        raise SettingsError(f"{name} {value!r} is neither a number nor a width and a height")
    return numbers[0], numbers[1]


def _devices(device_index: int | str | Sequence[int | str]) -> list[str]:
    """Name the devices of some numbers; a name is returned unchanged."""
    numbers = [device_index] if isinstance(device_index, int | str) else list(device_index)
    if not numbers or any(isinstance(number, int) and number < -1 for number in numbers):
        raise SettingsError(
            f"device_index {device_index!r} is out of range: use 0 or more, or -1 for the CPU"
        )
    if numbers == [0]:
        return ["auto"]
    return [_device(number) for number in numbers]


def _device(number: int | str) -> str:
    if isinstance(number, str):
        return number
    return "cpu" if number == -1 else f"cuda:{number}"


def _prefetch(prefetch: int | None, batch_size: int, devices: int) -> int:
    """Count the frames to start ahead: one batch computed and one waiting for each device."""
    if prefetch is None:
        return 2 * batch_size * devices - 1
    if not 0 <= prefetch <= MAX_PREFETCH:
        raise SettingsError(f"prefetch {prefetch} is out of range: use 0 to {MAX_PREFETCH}")
    return prefetch
