from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from threading import Event

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from vs_gendrpix.color.codes import from_rgb, to_rgb
from vs_gendrpix.errors import DeviceError, MediaError, ModelError, VerificationError
from vs_gendrpix.frame.format import ColorSpec, Frame, FrameFormat, PixelLayout, Timing
from vs_gendrpix.models.gendrpix.fp8 import to_fp8
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, pad_plan
from vs_gendrpix.models.gendrpix.unet import UNet
from vs_gendrpix.restore.color_fix import lowband
from vs_gendrpix.restore.engine import Engine, pick_device
from vs_gendrpix.restore.staging import SLOTS
from vs_gendrpix.restore.way import pick_dtype
from vs_gendrpix.settings import RestoreSettings

COLOR = ColorSpec(matrix=1, primaries=1, transfer=1)
SOURCE = FrameFormat(
    width=48, height=32, layout=PixelLayout(family="yuv", bits=8, subsampling=(1, 1)), color=COLOR
)
TARGET = replace(SOURCE, width=96, height=64, layout=replace(SOURCE.layout, bits=10))


def make_frame(number: int, form: FrameFormat = SOURCE) -> Frame:
    draw = np.random.default_rng(number)
    top = 1 << form.layout.bits
    planes = tuple(
        draw.integers(top // 8, top * 3 // 4, shape).astype(form.dtype)
        for shape in form.plane_shapes
    )
    timing = Timing(pts=number * 3, duration=3, time_base=Fraction(1, 90))
    return Frame(format=form, planes=planes, timing=timing)


@pytest.fixture
def settings(small_model) -> RestoreSettings:
    return RestoreSettings(model_path=small_model, device="cpu", dtype="fp32")


def restore(settings, frames, source=SOURCE, target=TARGET):
    with Engine(settings, source, target) as engine:
        return [future.result() for future in [engine.submit(frame) for frame in frames[:3]]] + [
            engine.submit(frame).result() for frame in frames[3:]
        ]


def same(first: Frame, second: Frame) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first.planes, second.planes, strict=True))


@pytest.mark.parametrize("guidance", [1.0, 1.4])
@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_the_engine_is_the_composition_of_its_parts(settings, small_network, guidance, strength):
    settings = replace(settings, guidance=guidance, strength=strength, pad_seed=5)
    frame = make_frame(1)
    (result,) = restore(settings, [frame])
    with torch.inference_mode():
        rgb = to_rgb([torch.from_numpy(plane)[None] for plane in frame.planes], SOURCE)
        reference = F.interpolate(rgb, (64, 96), mode="bicubic", antialias=True)
        guided = PadCFG(
            small_network,
            small_network.positive,
            small_network.negative,
            plan=pad_plan(5),
            guidance=guidance,
        )
        legal = reference.clamp(0, 1)
        restored = (guided(legal * 2 - 1) + 1) / 2
        output = lowband(reference + strength * (restored - legal), reference)
        expected = from_rgb(output, TARGET)
    for plane, other in zip(result.planes, expected, strict=True):
        # The network's copy in the engine is channels last, so sums may round to another code.
        difference = np.abs(plane.astype(int) - other[0].numpy().astype(int))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01


def test_the_network_does_something(settings):
    frame = make_frame(1)
    full, none = restore(settings, [frame]), restore(replace(settings, strength=0.0), [frame])
    assert not same(full[0], none[0])


def test_strength_0_is_the_resize(settings):
    frame = make_frame(2)
    (result,) = restore(replace(settings, strength=0.0), [frame])
    rgb = to_rgb([torch.from_numpy(plane)[None] for plane in frame.planes], SOURCE)
    expected = from_rgb(F.interpolate(rgb, (64, 96), mode="bicubic", antialias=True), TARGET)
    assert all(
        np.array_equal(a, b[0].numpy()) for a, b in zip(result.planes, expected, strict=True)
    )


def test_scale_1_at_strength_0_is_the_input(settings):
    """8-bit 4:4:4 codes of colours that exist come back as they were."""
    form = replace(SOURCE, layout=replace(SOURCE.layout, subsampling=(0, 0)))
    frame = make_frame(3, form)
    (result,) = restore(replace(settings, strength=0.0), [frame], form, form)
    assert same(frame, result)


def test_dark_texture_keeps_its_mean(settings):
    """The change may reach below black: cutting that off would lift the dark."""
    form = replace(SOURCE, layout=replace(TARGET.layout, subsampling=(0, 0)))
    planes = tuple(
        np.full(shape, code, np.uint16)
        for shape, code in zip(form.plane_shapes, (66, 512, 512), strict=True)
    )
    frame = replace(make_frame(0, form), planes=planes)
    (result,) = restore(settings, [frame], form, form)
    assert result.planes[0].min() < 64
    assert abs(result.planes[0].mean() - 66) < 0.5 * 4


def test_super_white_is_kept(settings):
    form = replace(SOURCE, layout=replace(SOURCE.layout, subsampling=(0, 0)))
    planes = tuple(
        np.full(shape, code, np.uint8)
        for shape, code in zip(form.plane_shapes, (250, 128, 128), strict=True)
    )
    frame = replace(make_frame(0, form), planes=planes)
    (result,) = restore(settings, [frame], form, form)
    assert result.planes[0].mean() > 240


def test_order_timing_and_format(settings):
    frames = [make_frame(number) for number in range(8)]
    results = restore(settings, frames)
    assert [result.timing for result in results] == [frame.timing for frame in frames]
    assert all(result.format == TARGET for result in results)
    alone = restore(settings, [frames[6]])
    assert same(alone[0], results[6])


def test_equal_frames_give_equal_results(settings):
    results = restore(settings, [make_frame(4), make_frame(5), make_frame(4)])
    assert same(results[0], results[2])
    assert not same(results[0], results[1])


@pytest.mark.parametrize(
    "form",
    [
        FrameFormat(
            width=47, height=33, layout=PixelLayout(family="rgb", bits=8), color=ColorSpec(matrix=0)
        ),
        FrameFormat(width=47, height=33, layout=PixelLayout(family="gray", bits=12), color=COLOR),
        FrameFormat(
            width=33,
            height=21,
            layout=PixelLayout(family="yuv", bits=16, subsampling=(1, 0)),
            color=COLOR,
        ),
        FrameFormat(
            width=9,
            height=7,
            layout=PixelLayout(family="yuv", bits=10, subsampling=(1, 1)),
            color=COLOR,
        ),
    ],
)
def test_every_family_passes(settings, form):
    (result,) = restore(settings, [make_frame(1, form)], source=form)
    assert result.format == TARGET
    means = [plane.mean() for plane in result.planes]
    assert 64 < means[0] < 940


def test_bf16_is_close_to_fp32(settings):
    frame = make_frame(7)
    (fine,) = restore(settings, [frame])
    (coarse,) = restore(replace(settings, dtype="bf16"), [frame])
    difference = np.abs(fine.planes[0].astype(int) - coarse.planes[0].astype(int))
    assert 0 < difference.max() <= 8  # of 1023


def test_a_frame_of_another_format_is_refused(settings):
    wide, full = replace(SOURCE, width=50), replace(SOURCE, color=replace(COLOR, full_range=True))
    with Engine(settings, SOURCE, TARGET) as engine:
        with pytest.raises(MediaError) as size:
            engine.submit(make_frame(0, wide))
        with pytest.raises(MediaError) as color:
            engine.submit(make_frame(0, full))
    assert str(size.value) == (
        "a frame of 50x32 YUV 4:2:0 of 8 bits came into a clip of 48x32 YUV 4:2:0 of 8 bits"
    )
    assert "has matrix 1, primaries 1, transfer 1, full range, chroma left, in" in str(color.value)
    assert "FrameFormat" not in str(size.value) + str(color.value)


@pytest.mark.parametrize("bits", [16, 32])
def test_float_frames_pass(settings, bits):
    form = FrameFormat(
        width=24, height=16, layout=PixelLayout(family="rgb", bits=bits, floating=True)
    )
    target = replace(form, width=48, height=32)
    frame = float_frame(form)
    (result,) = restore(replace(settings, strength=0.0), [frame], form, target)
    assert {plane.dtype for plane in result.planes} == {form.dtype}
    rgb = torch.from_numpy(np.stack(frame.planes)[None].astype(np.float32))
    expected = F.interpolate(rgb, (32, 48), mode="bicubic", antialias=True)[0].numpy()
    assert np.abs(np.stack(result.planes) - expected).max() < 1e-3


def float_frame(form: FrameFormat, spoilt: float | None = None) -> Frame:
    draw = np.random.default_rng(3)
    planes = tuple(draw.random(shape).astype(form.dtype) for shape in form.plane_shapes)
    if spoilt is not None:
        planes[1][3, 4] = spoilt
    return Frame(format=form, planes=planes, timing=make_frame(0).timing)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_a_float_frame_that_is_not_finite_is_never_passed_on(settings, value, strength):
    form = FrameFormat(
        width=24, height=16, layout=PixelLayout(family="rgb", bits=32, floating=True)
    )
    with Engine(replace(settings, strength=strength), form, form, batch=2) as engine:
        futures = [engine.submit(float_frame(form, spoilt)) for spoilt in (None, value, None)]
        with pytest.raises(VerificationError, match="tick"):
            futures[1].result()
        assert same(futures[0].result(), futures[2].result())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("color_fix", ["lowband", "none"])
def test_what_is_not_finite_is_never_shown(settings, monkeypatch, value, color_fix):
    settings = replace(settings, color_fix=color_fix)

    def spoil(_, image, **__):
        spoilt = image.clone()
        spoilt[..., 5, 7] = value
        return spoilt

    monkeypatch.setattr(PadCFG, "__call__", spoil)
    with Engine(settings, SOURCE, TARGET) as engine:
        futures = [engine.submit(make_frame(number)) for number in range(3)]
        for future in futures:
            with pytest.raises(VerificationError, match="tick"):
                future.result()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_no_memory_is_one_clear_error_and_frees_the_slot(settings, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(PadCFG, "__call__", fail)
    with Engine(settings, SOURCE, TARGET) as engine:
        for number in range(8):  # more than there are slots
            with pytest.raises(DeviceError, match="smaller scale"):
                engine.submit(make_frame(number)).result()


def test_closing_ends_frames_under_way_and_cancels_the_rest(settings, monkeypatch):
    begun, go_on = Event(), Event()

    def wait(_, image, **__):
        begun.set()
        assert go_on.wait(timeout=60)
        return image

    monkeypatch.setattr(PadCFG, "__call__", wait)
    engine = Engine(settings, SOURCE, TARGET)
    futures = [engine.submit(make_frame(number)) for number in range(3 * SLOTS)]
    assert begun.wait(timeout=60)
    with ThreadPoolExecutor(1) as others:
        closing = others.submit(engine.close)
        # The queue of frames is cancelled at once, before the frame under way is done.
        with pytest.raises(CancelledError):
            futures[-1].result(timeout=60)
        go_on.set()
        closing.result(timeout=60)
    assert futures[0].result().timing == make_frame(0).timing
    assert all(future.done() for future in futures)
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(make_frame(0))


def test_a_frame_that_waits_can_be_cancelled(settings, monkeypatch):
    go_on = Event()

    def wait(_, image, **__):
        assert go_on.wait(timeout=60)
        return image

    monkeypatch.setattr(PadCFG, "__call__", wait)
    with Engine(settings, SOURCE, TARGET) as engine:
        futures = [engine.submit(make_frame(number)) for number in range(SLOTS + 2)]
        assert futures[-2].cancel()
        assert not futures[0].cancel()
        go_on.set()
        assert futures[-1].result(timeout=60).timing == make_frame(SLOTS + 1).timing


@pytest.mark.parametrize("batch", [2, 3])
def test_batches_and_lanes_give_what_single_frames_give(settings, batch):
    """Whatever happens to be computed together, and by whichever lane of two."""
    frames = [make_frame(number) for number in range(8)]
    expected = restore(settings, frames)
    with Engine(replace(settings, device="cpu,cpu"), SOURCE, TARGET, batch=batch) as engine:
        assert engine.capacity == 2 * batch * SLOTS
        futures = [engine.submit(frame) for frame in frames[:5]]
        results = [future.result() for future in futures]
        results += [engine.submit(frame).result() for frame in frames[5:]]
    assert [result.timing for result in results] == [frame.timing for frame in frames]
    for result, other in zip(results, expected, strict=True):
        for plane, wanted in zip(result.planes, other.planes, strict=True):
            # Other shapes may sum in another order: a code of 1023 at a rounding edge.
            assert np.abs(plane.astype(int) - wanted.astype(int)).max() <= 1


def test_a_batch_holds_what_waits(settings, monkeypatch):
    """A frame alone is computed at once; the next ones wait until they are enough."""
    seen, begun, go_on = [], Event(), Event()

    def count(_, image, **__):
        # The rest of a batch holds whatever was there, so that all are the same to the network.
        seen.append(len(image))
        begun.set()
        assert go_on.wait(timeout=60)
        return image

    monkeypatch.setattr(PadCFG, "__call__", count)
    with Engine(settings, SOURCE, TARGET, batch=3) as engine:
        first = engine.submit(make_frame(0))
        assert begun.wait(timeout=60)
        futures = [engine.submit(make_frame(number)) for number in range(1, 5)]
        assert [lane.load for lane in engine._lanes] == [2]
        assert len(engine._queue) == 1
        go_on.set()
        results = [future.result(timeout=60) for future in (first, *futures)]
    assert [result.timing.pts for result in results] == [0, 3, 6, 9, 12]
    assert seen == [3, 3, 3]


def test_the_faster_lane_takes_more(settings, monkeypatch):
    """Of two lanes, one stands until the other has done all that one lane may leave to it."""
    go_on = Event()

    def stand(lane):
        run = lane.staging.run

        def wait(frames):
            assert go_on.wait(timeout=60)
            return run(frames)

        monkeypatch.setattr(lane, "staging", _Standing(lane.staging, wait))

    with Engine(replace(settings, device="cpu,cpu"), SOURCE, TARGET) as engine:
        stand(engine._lanes[0])
        futures = [engine.submit(make_frame(0))]
        for number in range(1, 6):
            futures.append(engine.submit(make_frame(number)))
            futures[-1].result(timeout=60)
        assert [lane.done for lane in engine._lanes] == [0, 5]
        stand(engine._lanes[1])
        futures += [engine.submit(make_frame(number)) for number in (6, 7)]
        assert [lane.load for lane in engine._lanes] == [1, 2]
        go_on.set()
        results = [future.result(timeout=60) for future in futures]
        assert [result.timing.pts for result in results] == [3 * number for number in range(8)]


class _Standing:
    """A lane's staging whose `run` is another."""

    def __init__(self, staging, run):
        self.run, self.finish = run, staging.finish


def test_decode_and_compute_overlap(settings, monkeypatch):
    """`submit` comes back while the network runs."""
    go_on = Event()

    def wait(_, image, **__):
        assert go_on.wait(timeout=60)
        return image

    monkeypatch.setattr(PadCFG, "__call__", wait)
    with Engine(settings, SOURCE, TARGET) as engine:
        futures = [engine.submit(make_frame(number)) for number in range(SLOTS)]
        assert not any(future.done() for future in futures)
        go_on.set()
        assert all(future.result() for future in futures)


def test_the_network_is_compiled_when_asked(settings, monkeypatch):
    """Whether compiled code gives the same is the compiler's business, and takes it minutes."""
    asked = []

    def compiled(network, *, dynamic):
        asked.append(dynamic)
        return lambda image, condition: network(image, condition).flip(-1)

    monkeypatch.setattr(torch, "compile", compiled)
    (plain,) = restore(settings, [make_frame(1)])
    assert asked == []
    (other,) = restore(replace(settings, compile=True), [make_frame(1)])
    assert asked == [False]
    assert not same(plain, other)


def test_full_attention_when_asked(settings, monkeypatch):
    asked = []

    def remember(unet):
        asked.append(unet)

    monkeypatch.setattr(UNet, "attend_fully", remember)
    restore(settings, [make_frame(1)])
    assert asked == []
    restore(replace(settings, attention="full"), [make_frame(1)])
    assert len(asked) == 1


def counted(monkeypatch) -> list[int]:
    """The pictures that go through the network, as they come."""
    seen: list[int] = []
    original = PadCFG.__call__

    def count(self, image, **options):
        seen.append(len(image))
        return original(self, image, **options)

    monkeypatch.setattr(PadCFG, "__call__", count)
    return seen


def test_a_repeated_frame_is_not_computed_again(settings, monkeypatch):
    numbers = [1, 1, 1, 2, 1, 1]
    expected = [restore(settings, [make_frame(number)])[0] for number in numbers]
    seen = counted(monkeypatch)
    with Engine(settings, SOURCE, TARGET) as engine:
        frames = [
            replace(make_frame(number), timing=Timing(pts=i, duration=1, time_base=Fraction(1, 90)))
            for i, number in enumerate(numbers)
        ]
        results = [future.result(60) for future in [engine.submit(frame) for frame in frames]]
    assert sum(seen) == 3
    for i, (result, other) in enumerate(zip(results, expected, strict=True)):
        assert same(result, other)
        assert result.timing == frames[i].timing


def test_repeated_frames_are_computed_where_dedup_is_off(settings, monkeypatch):
    seen = counted(monkeypatch)
    restore(replace(settings, dedup=False), [make_frame(1)] * 3)
    assert len(seen) == 3


def test_a_failure_is_tried_anew(settings, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("shape mismatch")

    with Engine(settings, SOURCE, TARGET) as engine:
        with monkeypatch.context() as patch:
            patch.setattr(PadCFG, "__call__", fail)
            with pytest.raises(RuntimeError, match="shape"):
                engine.submit(make_frame(1)).result(60)
        assert engine.submit(make_frame(1)).result(60).timing == make_frame(1).timing


def test_a_frame_that_differs_by_one_code_is_computed(settings, monkeypatch):
    seen = counted(monkeypatch)
    first = make_frame(1)
    planes = [plane.copy() for plane in first.planes]
    planes[2][-1, -1] ^= 1
    with Engine(settings, SOURCE, TARGET) as engine:
        engine.submit(first).result(60)
        engine.submit(replace(first, planes=tuple(planes))).result(60)
    assert len(seen) == 2


def test_a_repeated_frame_shares_the_failure_and_survives_a_cancelled_original(
    settings, monkeypatch
):
    def fail(*_, **__):
        raise RuntimeError("shape mismatch")

    with monkeypatch.context() as patch, Engine(settings, SOURCE, TARGET) as engine:
        patch.setattr(PadCFG, "__call__", fail)
        futures = [engine.submit(make_frame(1)) for _ in range(2)]
        for future in futures:
            with pytest.raises(RuntimeError, match="shape"):
                future.result(60)
    go_on = Event()
    original = PadCFG.__call__

    def wait(self, image, **options):
        assert go_on.wait(timeout=60)
        return original(self, image, **options)

    monkeypatch.setattr(PadCFG, "__call__", wait)
    with Engine(settings, SOURCE, TARGET) as engine:
        others = [engine.submit(make_frame(number)) for number in range(10, 10 + SLOTS)]
        first, second = engine.submit(make_frame(1)), engine.submit(make_frame(1))
        assert first.cancel()
        go_on.set()
        assert second.result(60).timing == make_frame(1).timing
        assert all(future.result(60) for future in others)


def test_closing_cancels_a_repeated_frame_with_its_original(settings, monkeypatch):
    begun, go_on = Event(), Event()

    def wait(_, image, **__):
        begun.set()
        assert go_on.wait(timeout=60)
        return image

    monkeypatch.setattr(PadCFG, "__call__", wait)
    engine = Engine(settings, SOURCE, TARGET)
    under_way = [engine.submit(make_frame(number)) for number in range(SLOTS)]
    waiting = [engine.submit(make_frame(9)) for _ in range(3)]
    assert begun.wait(timeout=60)
    with ThreadPoolExecutor(1) as other:
        closing = other.submit(engine.close)
        while not engine._closed:
            pass
        go_on.set()
        closing.result(timeout=60)
    assert all(future.cancelled() for future in waiting)
    assert all(future.done() for future in under_way)


def test_a_bug_is_not_called_memory(settings, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(PadCFG, "__call__", fail)
    with Engine(settings, SOURCE, TARGET) as engine, pytest.raises(RuntimeError, match="shape"):
        engine.submit(make_frame(0)).result()


def test_a_missing_model_is_named(settings, tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        Engine(replace(settings, model_path=tmp_path / "nowhere"), SOURCE, TARGET)


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:99", ""])
def test_devices_that_are_not_there(name):
    with pytest.raises(DeviceError, match="no device"):
        pick_device(name)


def test_bf16_only_where_the_cpu_has_it(monkeypatch):
    cpu = torch.device("cpu")
    for able, dtype in (
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
        ({"avx512_f": True}, torch.float32),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert pick_dtype("auto", cpu) == dtype
    assert pick_dtype("fp32", cpu) == torch.float32
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert pick_dtype("auto", cpu) == torch.float32


def test_fp8_is_refused_where_the_device_has_none(settings):
    with pytest.raises(DeviceError, match=r"cpu has no fp8.*use dtype bf16"):
        Engine(replace(settings, dtype="fp8"), SOURCE, TARGET)


def test_fp8_is_close_to_bf16(settings, monkeypatch):
    """On the CPU as a GPU would: its product of scaled matrices is the same one."""
    monkeypatch.setattr("vs_gendrpix.restore.way.has_fp8", lambda _: True)
    changed = []

    def remember(unet):
        changed.append(unet)
        to_fp8(unet)

    monkeypatch.setattr("vs_gendrpix.restore.way.to_fp8", remember)
    (plain,) = restore(replace(settings, dtype="bf16"), [make_frame(3)])
    (coarse,) = restore(replace(settings, dtype="fp8"), [make_frame(3)])
    assert len(changed) == 1
    for plane, other in zip(plain.planes, coarse.planes, strict=True):
        assert np.abs(plane.astype(int) - other.astype(int)).max() <= 8


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_nearly_the_same(settings):
    frames = [make_frame(number) for number in range(8)]
    on_cpu, on_gpu = restore(settings, frames), restore(replace(settings, device="cuda"), frames)
    for first, second in zip(on_cpu, on_gpu, strict=True):
        for plane, other in zip(first.planes, second.planes, strict=True):
            # Kernels sum in another order: a code of 1023 at a rounding edge.
            assert np.abs(plane.astype(int) - other.astype(int)).max() <= 2
