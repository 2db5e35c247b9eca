"""The engine: frames in, restored frames out, on one device."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from vs_gendrpix.color import from_rgb, to_rgb
from vs_gendrpix.color_fix import lowband
from vs_gendrpix.errors import DeviceError, MediaError, VerificationError
from vs_gendrpix.frames import Frame, FrameFormat, Plane
from vs_gendrpix.model.weights import default_model, load_network
from vs_gendrpix.padcfg import PadCFG, pad_plan
from vs_gendrpix.settings import RestoreSettings
from vs_gendrpix.staging import SLOTS, Backend, CpuBackend, CudaBackend, Lane, Layout, Planes, Slot

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def pick_device(name: str) -> torch.device:
    """The device of a name: `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        DeviceError: There is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in {"cpu", "cuda"} or (number and not number.isdecimal()):
        raise DeviceError(f"no device {name!r}: use auto, cpu, cuda or cuda:N")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind == "cuda" and int(number or 0) >= count:
        raise DeviceError(f"no device {name!r}: there are {count} CUDA devices; use -d cpu")
    return torch.device(kind, int(number or 0)) if kind == "cuda" else torch.device("cpu")


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The arithmetic of a name; `auto` is bf16 where the device computes in it, or else fp32.

    A CPU without bf16 instructions emulates them, slower than fp32.
    """
    if name != "auto":
        return DTYPES[name]
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # PyTorch before 2.11 cannot tell; fp32 is right on every CPU.
        able: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        native = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.bfloat16 if native else torch.float32


class Restorer:
    """All that happens to a frame on the device: planes in, restored planes out.

    Raises:
        ModelError: The model is missing or bad.
        MediaError: The matrix or subsampling of a format is not supported.
    """

    def __init__(
        self,
        settings: RestoreSettings,
        source: FrameFormat,
        target: FrameFormat,
        device: torch.device,
    ) -> None:
        self.settings, self.source, self.target = settings, source, target
        self.dtype = pick_dtype(settings.dtype, device)
        model = settings.model_path or settings.model
        if model == "auto":
            model = default_model(device)
        network = load_network(model, device=device, dtype=self.dtype)
        self.model_name = network.card.name
        guidance = network.card.guidance if settings.guidance is None else settings.guidance
        self.guided = PadCFG(
            network,
            network.positive,
            network.negative,
            plan=pad_plan(settings.pad_seed),
            guidance=guidance,
        )

    @torch.inference_mode()
    def __call__(self, planes: Planes) -> Planes:
        """Restore the planes of one frame.

        Args:
            planes: (rows, columns) each, of the source format.

        Returns:
            The planes of the target format, and a byte that is 1 if all values were finite.
        """
        rgb = to_rgb([plane[None] for plane in planes], self.source)
        output, finite = self.restore(rgb)
        return (*(plane[0] for plane in from_rgb(output, self.target)), finite.to(torch.uint8))

    def restore(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Restore (B, 3, H, W) R'G'B', nominally in [0, 1], at the size of the target.

        The network sees values in [0, 1]. What the source had beyond them, such as super-white, is
        not cut off: the network's change is added to the resized source. Nor is the result: to cut
        off only what falls below black would lift the mean of dark texture by over a code of 255.

        Returns:
            (B, 3, height, width) of the target, and whether all that the network made was finite.
        """
        size = (self.target.height, self.target.width)
        reference = rgb
        if size != tuple(rgb.shape[-2:]):
            reference = F.interpolate(rgb, size, mode="bicubic", antialias=True)
        if self.settings.strength == 0:
            return reference, torch.ones((), dtype=torch.bool, device=rgb.device)
        # In place throughout: fresh memory for every step costs as much as the steps themselves.
        image = reference.clamp(0, 1).mul_(2).sub_(1)
        change = self.guided(image).sub_(image)
        # One value that is not finite makes the sum so. Asked now: a clamp would hide infinity.
        finite = change.sum().isfinite()
        output = torch.add(reference, change, alpha=self.settings.strength / 2, out=change)
        if self.settings.color_fix == "lowband":
            output = lowband(output, reference)
        return output, finite


class Engine:
    """Restores the frames of one clip on one device, in order, several under way at once.

    Args:
        settings: How to restore.
        source: Format of every frame that goes in.
        target: Format of every frame that comes out; its size decides the scale.

    Raises:
        DeviceError: There is no such device, or it has not enough memory.
        ModelError: The model is missing or bad.
    """

    def __init__(self, settings: RestoreSettings, source: FrameFormat, target: FrameFormat) -> None:
        self.device = pick_device(settings.device)
        self.source, self.target = source, target
        self._restorer = _guard(Restorer, settings, source, target, self.device)
        self.model_name, self.dtype = self._restorer.model_name, self._restorer.dtype
        backend: Backend = CpuBackend()
        if self.device.type == "cuda":
            backend = CudaBackend(self.device)
        flag: Layout = [((), torch.uint8)]
        layouts = (_layout(source), [*_layout(target), *flag])
        self._lane = _guard(Lane, backend, *layouts, self._restorer)
        self._room = threading.Semaphore(SLOTS)
        # One thread fills the lane and one empties it, so that neither waits for the other.
        self._filling = ThreadPoolExecutor(1, "fill")
        self._emptying = ThreadPoolExecutor(1, "empty")

    def submit(self, frame: Frame) -> Future[Frame]:
        """Start to restore a frame; blocks while three are under way.

        Args:
            frame: Of the engine's source format. Its planes are read before the future is done.

        Returns:
            A future of the restored frame, with the timing of the given one. It raises DeviceError
            when memory runs out and VerificationError when the result is not finite.

        Raises:
            MediaError: The frame has another format.
        """
        if frame.format != self.source:
            raise MediaError(f"a frame of {frame.format} came into a clip of {self.source}")
        self._room.acquire()
        slot = self._filling.submit(_guard, self._lane.run, frame.planes)
        return self._emptying.submit(self._finish, frame, slot)

    def _finish(self, frame: Frame, filled: Future[Slot]) -> Frame:
        try:
            *planes, finite = _guard(self._lane.finish, filled.result())
        finally:
            self._room.release()
        if not finite:
            raise VerificationError(
                f"the network made values that are not finite at tick {frame.timing.pts}: "
                "use --dtype fp32"
            )
        return Frame(
            format=self.target, planes=cast("tuple[Plane, ...]", tuple(planes)), timing=frame.timing
        )

    def close(self) -> None:
        """End the threads; the futures of frames that have not begun raise CancelledError.

        Only the filling is cancelled: the emptying ends every frame under way, and with it the
        wait of a thread that stands in `submit`.
        """
        self._filling.shutdown(cancel_futures=True)
        self._emptying.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _layout(layout: FrameFormat) -> Layout:
    dtype = torch.uint8 if layout.bits == 8 else torch.uint16
    return [(shape, dtype) for shape in layout.plane_shapes]


def _guard[**P, R](function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function; running out of memory becomes one clear error."""
    try:
        return function(*args, **kwargs)
    except (MemoryError, RuntimeError) as error:
        # PyTorch has a class for a GPU's memory only; for the host's it has just a message.
        full = isinstance(error, torch.OutOfMemoryError | MemoryError)
        if full or "allocate memory" in str(error):
            raise DeviceError(
                "not enough memory for frames of this size: use a smaller scale"
            ) from error
        raise
