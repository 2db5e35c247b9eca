"""Time the paper's network, its predecessors and ours, step by step, on one GPU.

    python benchmarks/speed_gpu.py [--seconds N] [--sizes 512x512,1920x1080,3840x2160,7680x4320]
    python benchmarks/speed_gpu.py --device cpu --narrow --sizes 128x96,640x360    # to see it run

GenDR and GenDR-Adc at Stable Diffusion's size, GenDR-Pix as the paper has it (eager, full
attention), then with each thing that makes it faster added to those before, and the built-in
models; each without and with PadCFG. Weights are random: speed does not depend on them. Times are
medians of CUDA events after a warm-up; operations are counted on shapes, and their share is that of
a large matrix product in the same arithmetic, measured here. What would not fit into the seconds
given is left out by name.

With --trace FILE the timeline of 24 frames through the engine is written for chrome://tracing, and
the time of the whole is compared with that of the longest of upload, compute and download.

The table is printed last. JSON goes to benchmarks/results/speed_gpu.json (--out), anew after each
row: what was measured stays if the time runs out.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from vs_gendrpix.frame.format import ColorSpec, Frame, FrameFormat, PixelLayout, Timing
from vs_gendrpix.models.ancestors.baselines import GenDR, GenDRAdc
from vs_gendrpix.models.ancestors.vae import VAEConfig
from vs_gendrpix.models.card import ModelCard
from vs_gendrpix.models.catalogue import BUILT_IN
from vs_gendrpix.models.devices import has_fp8, out_of_memory
from vs_gendrpix.models.gendrpix.attention import SelfAttention
from vs_gendrpix.models.gendrpix.files import load_network
from vs_gendrpix.models.gendrpix.folding import fold
from vs_gendrpix.models.gendrpix.fp8 import to_fp8
from vs_gendrpix.models.gendrpix.network import GenDRPix
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, pad_plan
from vs_gendrpix.models.gendrpix.restorer import ATTENTION
from vs_gendrpix.models.gendrpix.unet import FULL, UNetConfig
from vs_gendrpix.restore.cuda_graphs import CudaRecording
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.settings import RestoreSettings

HERE = Path(__file__).parent
CARD = ModelCard(name="random")
LATENT = 16
"""Channels of the latent of GenDR and GenDR-Adc (paper)."""
UHD = 3840
"""Columns of a 4K frame."""
WHOLE = 1 << 40
"""A number of tokens beyond that of any picture: all at a time."""
Generator = Callable[[Tensor, Tensor], Tensor]
Size = tuple[int, int]


def kernels_of(device: torch.device) -> AbstractContextManager[None]:
    """Let attention take the fastest kernel of a device."""
    if device.type != "cuda":
        return nullcontext()
    kernels: AbstractContextManager[None] = sdpa_kernel(ATTENTION, set_priority=True)
    return kernels


@dataclass(frozen=True, slots=True)
class Case:
    """A network to time.

    Attributes:
        name: Of the network, or what was added to it.
        generator: Maps pictures and conditions to pictures.
        prompts: The positive and the negative condition.
        windowed: Whether it attends in windows; None for what has its operations not counted.
        slow: Whether it takes minutes to begin with: it is timed at the largest size up to 4K only.
        up_to: Columns above which it is not timed: full attention at 8K takes seconds a frame.
        kernels: The attention kernels that it may use.
        recorded: Whether it is played as a CUDA graph.
    """

    name: str
    generator: Generator
    prompts: tuple[Tensor, Tensor]
    windowed: bool | None = None
    slow: bool = False
    up_to: int = 1 << 20
    kernels: Callable[[], AbstractContextManager[None]] = nullcontext
    recorded: bool = False


@dataclass(slots=True)
class Row:
    """Measurements of a case at a size."""

    network: str
    width: int
    height: int
    guided: bool
    ms: float | None = None
    allocated_gb: float | None = None
    reserved_gb: float | None = None
    tflop: float | None = None
    share_of_peak: float | None = None
    note: str = ""


class Bench:
    """A device, its arithmetic, and the time left.

    Args:
        options: The command's.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.device = torch.device(options.device)
        self.cuda = self.device.type == "cuda"
        self.dtype = torch.bfloat16 if self.cuda else torch.float32
        self.ends = time.monotonic() + options.seconds
        self.full = replace(FULL, channels=(32, 64, 64, 64), head_dim=16, groups=8)
        self.vae = VAEConfig(channels=(16, 16, 32, 32), layers=1, latent_channels=LATENT, groups=8)
        if not options.narrow:
            self.full, self.vae = FULL, VAEConfig(latent_channels=LATENT)
        self.peak = self._matmul_peak(512 if options.narrow else 8192)

    def _matmul_peak(self, side: int) -> float:
        """Measure the TFLOP/s of a square matrix product."""
        a, b = torch.randn(2, side, side, device=self.device, dtype=self.dtype)
        return 2 * side**3 / self.seconds(lambda: a @ b, 0.5) / 1e12

    def seconds(self, run: Callable[[], object], budget: float = 1.0) -> float:
        """Measure the median seconds of a call, after one that does not count."""
        run()
        once = self._time(run)
        return statistics.median(
            [once, *(self._time(run) for _ in range(min(20, int(budget / once))))]
        )

    def _time(self, run: Callable[[], object]) -> float:
        if not self.cuda:
            began = time.perf_counter()
            run()
            return time.perf_counter() - began
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) / 1000

    def build(self, kind: Callable[[], nn.Module]) -> nn.Module:
        """Make a network of random weights on the device, in its arithmetic."""
        before = torch.get_default_dtype()
        torch.set_default_dtype(self.dtype)
        try:
            with self.device:
                network = kind()
        finally:
            torch.set_default_dtype(before)
        network = network.eval().requires_grad_(requires_grad=False)
        return network.to(memory_format=torch.channels_last)

    def measure(self, case: Case, size: Size, *, guided: bool, tflop: float | None) -> Row:
        """Time a case at a size."""
        row = Row(case.name, *size, guided=guided, tflop=tflop)
        if time.monotonic() > self.ends:
            row.note = "not measured: no time left"
            return row
        width, height = size
        network = PadCFG(
            case.generator, *case.prompts, plan=pad_plan(0), guidance=1.2 if guided else 1.0
        )
        try:
            with torch.inference_mode(), case.kernels():
                image = torch.rand(1, 3, height, width, device=self.device) * 2 - 1
                if self.cuda:
                    torch.cuda.reset_peak_memory_stats()
                run = CudaRecording(network, image).play if case.recorded else network
                row.ms = 1000 * self.seconds(lambda: run(image))
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            row.note = "out of memory"
        else:
            if self.cuda:
                row.allocated_gb = torch.cuda.max_memory_allocated() / 1e9
                row.reserved_gb = torch.cuda.max_memory_reserved() / 1e9
            if tflop is not None:
                row.share_of_peak = tflop / (row.ms / 1000) / self.peak
        free(self.device)
        return row


def free(device: torch.device) -> None:
    """Free the memory of earlier cases, so that the next one's peak is its own."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def predecessors(bench: Bench) -> Iterator[Case]:
    """Yield GenDR and GenDR-Adc."""
    latent = replace(bench.full, in_channels=LATENT, out_channels=LATENT)
    pixels = replace(bench.full, out_channels=LATENT)
    kinds: list[tuple[str, Callable[[], nn.Module]]] = [
        ("GenDR", lambda: GenDR(latent, CARD, bench.vae)),
        ("GenDR-Adc", lambda: GenDRAdc(pixels, CARD, bench.vae)),
    ]
    for name, kind in kinds:
        network = bench.build(kind)
        network.unet.attend_fully()
        network.unet.work_on(WHOLE)
        yield Case(name, network, (network.positive, network.negative))
        del network


def build_up(bench: Bench, *, compiled: bool) -> Iterator[Case]:
    """Yield GenDR-Pix as in the paper, then with our changes added one by one."""
    network = bench.build(lambda: GenDRPix(bench.full, CARD))
    layers = [part for part in network.modules() if isinstance(part, SelfAttention)]
    windows = [part.window for part in layers]
    network.unet.attend_fully()
    network.unet.work_on(WHOLE)
    prompts = network.positive, network.negative
    yield Case("GenDR-Pix, full attention", network, prompts, windowed=False)
    fold(network)
    network.to(bench.dtype)  # what is folded is made in fp32
    prompts = network.positive, network.negative
    yield Case("+ constants folded", network, prompts, windowed=False, up_to=UHD)
    step = partial(Case, prompts=prompts, kernels=partial(kernels_of, bench.device))
    yield step("+ fastest attention kernel", network, windowed=False, up_to=UHD)
    network.unet.work_on(None)
    yield step("+ feed-forward in parts", network, windowed=False, up_to=UHD)
    for part, window in zip(layers, windows, strict=True):
        part.window = window
    yield step("+ windows", network, windowed=True)
    if bench.cuda:
        yield step("+ CUDA graph", network, windowed=True, recorded=True)
    if compiled:
        fast = torch.compile(network, dynamic=False)
        yield step("+ torch.compile", fast, windowed=True, slow=True)
        if bench.cuda:
            yield step("+ both", fast, windowed=True, slow=True, recorded=True)
    if compiled and (not bench.cuda or has_fp8(bench.device)):
        to_fp8(network.unet)
        fast = torch.compile(network, dynamic=False)
        name = "+ both, fp8 linear layers" if bench.cuda else "+ fp8 linear layers"
        yield step(name, fast, windowed=True, slow=True, recorded=bench.cuda)


def built_in(bench: Bench) -> Iterator[Case]:
    """Yield the shipped models."""
    for name in BUILT_IN:
        network = load_network(name, device=bench.device, dtype=bench.dtype, folded=True)
        prompts = network.positive, network.negative
        step = partial(Case, prompts=prompts, kernels=partial(kernels_of, bench.device))
        yield step(name, network)
        if bench.cuda:
            yield step(f"{name}, CUDA graph", network, recorded=True)


@cache
def operations(config: UNetConfig, size: Size, *, guided: bool, windowed: bool) -> float:
    """Count the TFLOP of GenDR-Pix under PadCFG, on shapes alone."""
    width, height = size
    with torch.device("meta"):
        network = GenDRPix(config, CARD).requires_grad_(requires_grad=False)
        if not windowed:
            network.unet.attend_fully()
        image = torch.empty(1, 3, height, width)
    generator = PadCFG(
        network, network.positive, network.negative, plan=pad_plan(0), guidance=1.2 if guided else 1
    )
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        generator(image)
    return counter.get_total_flops() / 1e12


def staging(bench: Bench, trace: Path) -> dict[str, float]:
    """Measure the wall time of 24 frames through the engine, and of each stream's work."""
    source = FrameFormat(
        width=960,
        height=540,
        layout=PixelLayout(family="yuv", bits=8, subsampling=(1, 1)),
        color=ColorSpec(matrix=1),
    )
    target = replace(source, width=1920, height=1080, layout=replace(source.layout, bits=10))
    draw = np.random.default_rng(0)

    def frame(number: int) -> Frame:
        planes = tuple(draw.integers(16, 235, shape, np.uint8) for shape in source.plane_shapes)
        timing = Timing(pts=number, duration=1, time_base=Fraction(1, 25))
        return Frame(format=source, planes=planes, timing=timing)

    frames = [frame(number) for number in range(24)]
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    with Engine(RestoreSettings(device=str(bench.device))) as engine:
        clip = engine.clip(source, target)
        for future in [clip.submit(frame(-1 - number)) for number in range(3)]:
            future.result()
        with torch.profiler.profile(activities=activities) as profile:
            began = time.perf_counter()
            for future in [clip.submit(each) for each in frames]:
                future.result()
            wall = time.perf_counter() - began
    profile.export_chrome_trace(str(trace))
    spent = {"upload": 0.0, "compute": 0.0, "download": 0.0}
    for event in profile.events():
        if event.device_type != torch.autograd.DeviceType.CUDA:
            continue
        name = {"Memcpy HtoD": "upload", "Memcpy DtoH": "download"}.get(event.name[:11], "compute")
        spent[name] += event.device_time_total / 1e6
    return {"wall": wall, **spent, "wall over longest": wall / max(spent.values())}


def measured(bench: Bench, sizes: list[Size], *, compiled: bool) -> Iterator[Row]:
    """Measure all cases at all sizes, and print each row at once."""
    for group in (built_in(bench), build_up(bench, compiled=compiled), predecessors(bench)):
        for case in group:
            chosen = [size for size in sizes if size[0] <= (UHD if case.slow else case.up_to)]
            for size in chosen[-1:] if case.slow else chosen:
                for guided in (False, True):
                    tflop = None
                    if case.windowed is not None:
                        tflop = operations(bench.full, size, guided=guided, windowed=case.windowed)
                    row = bench.measure(case, size, guided=guided, tflop=tflop)
                    print(line(row), flush=True)
                    yield row
            del case  # before the next one is built: two full networks need not fit
            free(bench.device)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", default="512x512,1920x1080,3840x2160,7680x4320")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--narrow", action="store_true", help="a narrow network, to show it runs")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: minutes a size")
    parser.add_argument("--trace", type=Path, help="write the engine's timeline (CUDA only)")
    parser.add_argument("--out", type=Path, default=HERE / "results" / "speed_gpu.json")
    options = parser.parse_args()
    bench = Bench(options)
    sizes = [(int(w), int(h)) for w, h in (size.split("x") for size in options.sizes.split(","))]
    overlap = None
    if options.trace and bench.cuda:
        overlap = staging(bench, options.trace)
    rows: list[Row] = []
    hardware = torch.cuda.get_device_name() if bench.cuda else f"CPU {platform.machine()}"
    report = {
        "date": time.strftime("%Y-%m-%d"),
        "hardware": f"{hardware}, {os.cpu_count()} cores",
        "torch": torch.__version__,
        "dtype": str(bench.dtype).removeprefix("torch."),
        "narrow": options.narrow,
        "matmul_tflops": bench.peak,
        "staging": overlap,
    }
    for row in measured(bench, sizes, compiled=options.compile):
        rows.append(row)
        report["rows"] = [asdict(each) for each in rows]
        options.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\n{hardware}, {bench.dtype}, matrix product {bench.peak:.1f} TFLOP/s")
    print(f"{'network':32} {'size':>10} {'CFG':>3} {'ms':>9} {'GB':>6} {'held':>6} {'peak':>5}")
    for row in rows:
        print(line(row))
    if overlap:
        print("staging:", ", ".join(f"{name} {value:.3f}" for name, value in overlap.items()))


def line(row: Row) -> str:
    """Write a row of the table."""
    size = f"{row.width}x{row.height}"
    head = f"{row.network:32} {size:>10} {'yes' if row.guided else 'no':>3}"
    if row.ms is None:
        return f"{head} {row.note}"
    numbers = [
        "-" if value is None else f"{value:.2f}"
        for value in (row.allocated_gb, row.reserved_gb, row.share_of_peak)
    ]
    return f"{head} {row.ms:9.1f} {numbers[0]:>6} {numbers[1]:>6} {numbers[2]:>5}"


if __name__ == "__main__":
    main()
