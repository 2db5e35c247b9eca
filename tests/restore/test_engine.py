from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from functools import partial
from threading import Event

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.restorers import Calling, Doubled, Negative, opener
from tests.strategies import frame_format, noise_frame
from vs_gendrpix.color.codes import from_rgb, to_rgb
from vs_gendrpix.errors import DeviceError, MediaError, ModelError, VerificationError
from vs_gendrpix.frame.format import Frame, FrameFormat, Timing
from vs_gendrpix.models.devices import (
    free_caches,
    has_fp8,
    pick_device,
    pick_devices,
    pick_dtype,
)
from vs_gendrpix.models.gendrpix.files import load_network
from vs_gendrpix.models.gendrpix.fp8 import to_fp8
from vs_gendrpix.models.gendrpix.padcfg import PadCFG, pad_plan
from vs_gendrpix.models.gendrpix.unet import UNet
from vs_gendrpix.models.opening import open_restorer
from vs_gendrpix.restore.color_fix import LowBand
from vs_gendrpix.restore.engine import Engine
from vs_gendrpix.restore.staging import SLOTS
from vs_gendrpix.settings import RestoreSettings

SOURCE = frame_format(48, 32, subsampling=(1, 1), primaries=1, transfer=1)
TARGET = replace(SOURCE, width=96, height=64, layout=replace(SOURCE.layout, bits=10))


def make_frame(number: int, form: FrameFormat = SOURCE) -> Frame:
    return noise_frame(number, form)


@pytest.fixture
def settings(small_model) -> RestoreSettings:
    return RestoreSettings(model_path=small_model, device="cpu", dtype="fp32")


def restore(settings, frames, source=SOURCE, target=TARGET, model=None):
    with Engine(settings, opener=model and opener(model)) as engine:
        clip = engine.clip(source, target)
        return [future.result() for future in [clip.submit(frame) for frame in frames[:3]]] + [
            clip.submit(frame).result() for frame in frames[3:]
        ]


@contextmanager
def lanes(settings, model=None, source=SOURCE, target=TARGET, batch=1):
    """The lanes of a clip, on an engine with a restorer or with the model of the settings."""
    with Engine(replace(settings, batch_size=batch), opener=model and opener(model)) as engine:
        yield engine.clip(source, target)


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
        fix = LowBand((64, 96), reference.device)
        output = fix(reference + strength * (restored - legal), reference)
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
        frame_format(47, 33, "rgb"),
        frame_format(47, 33, "gray", 12),
        frame_format(33, 21, "yuv", 16, (1, 0)),
        frame_format(9, 7, "yuv", 10, (1, 1)),
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
    wide, full = (
        replace(SOURCE, width=50),
        replace(SOURCE, color=replace(SOURCE.color, full_range=True)),
    )
    with lanes(settings) as clip:
        with pytest.raises(MediaError) as size:
            clip.submit(make_frame(0, wide))
        with pytest.raises(MediaError) as color:
            clip.submit(make_frame(0, full))
    assert str(size.value) == (
        "a frame of 50x32 YUV 4:2:0 of 8 bits came into a clip of 48x32 YUV 4:2:0 of 8 bits"
    )
    assert "has matrix 1, primaries 1, transfer 1, full range, chroma left, in" in str(color.value)
    assert "FrameFormat" not in str(size.value) + str(color.value)


@pytest.mark.parametrize("bits", [16, 32])
def test_float_frames_pass(settings, bits):
    form = frame_format(24, 16, "rgb", bits, floating=True)
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
    form = frame_format(24, 16, "rgb", 32, floating=True)
    with lanes(replace(settings, strength=strength), None, form, form, batch=2) as clip:
        futures = [clip.submit(float_frame(form, spoilt)) for spoilt in (None, value, None)]
        with pytest.raises(VerificationError, match="tick"):
            futures[1].result()
        assert same(futures[0].result(), futures[2].result())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("color_fix", ["lowband", "none"])
def test_what_is_not_finite_is_never_shown(settings, value, color_fix):
    def spoil(image):
        image[..., 5, 7] = value
        return image

    with lanes(replace(settings, color_fix=color_fix), lambda rgb: spoil(rgb.clone())) as clip:
        futures = [clip.submit(make_frame(number)) for number in range(3)]
        for future in futures:
            with pytest.raises(VerificationError, match="tick"):
                future.result()


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_no_memory_is_one_clear_error_and_frees_the_slot(settings, error):
    def fail(_):
        raise error

    with lanes(settings, fail) as clip:
        for number in range(SLOTS + 1):
            with pytest.raises(DeviceError, match="smaller scale"):
                clip.submit(make_frame(number)).result()


def test_closing_ends_frames_under_way_and_cancels_the_rest(settings):
    begun, go_on = Event(), Event()

    def wait(image):
        begun.set()
        assert go_on.wait(timeout=60)
        return image

    engine = Engine(settings, opener=opener(wait))
    clip = engine.clip(SOURCE, TARGET)
    futures = [clip.submit(make_frame(number)) for number in range(3 * SLOTS)]
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
        clip.submit(make_frame(0))


def test_a_frame_that_waits_can_be_cancelled(settings):
    go_on = Event()

    def wait(image):
        assert go_on.wait(timeout=60)
        return image

    with lanes(settings, wait) as clip:
        futures = [clip.submit(make_frame(number)) for number in range(SLOTS + 2)]
        assert futures[-2].cancel()
        assert not futures[0].cancel()
        go_on.set()
        assert futures[-1].result(timeout=60).timing == make_frame(SLOTS + 1).timing


@pytest.mark.parametrize("batch", [2, 3])
def test_batches_and_lanes_give_what_single_frames_give(settings, batch):
    """Whatever happens to be computed together, and by whichever lane of two."""
    frames = [make_frame(number) for number in range(8)]
    expected = restore(settings, frames)
    with lanes(replace(settings, device="cpu,cpu"), batch=batch) as clip:
        assert clip.capacity == 2 * batch * SLOTS
        futures = [clip.submit(frame) for frame in frames[:5]]
        results = [future.result() for future in futures]
        results += [clip.submit(frame).result() for frame in frames[5:]]
    assert [result.timing for result in results] == [frame.timing for frame in frames]
    for result, other in zip(results, expected, strict=True):
        for plane, wanted in zip(result.planes, other.planes, strict=True):
            # Other shapes may sum in another order: a code of 1023 at a rounding edge.
            assert np.abs(plane.astype(int) - wanted.astype(int)).max() <= 1


def test_a_batch_holds_what_waits(settings):
    """A frame alone is computed at once; the next ones wait until they are enough."""
    seen, begun, go_on = [], Event(), Event()

    def count(image):
        # The rest of a batch holds whatever was there, so that all are the same to the network.
        seen.append(len(image))
        begun.set()
        assert go_on.wait(timeout=60)
        return image

    with lanes(settings, count, batch=3) as clip:
        first = clip.submit(make_frame(0))
        assert begun.wait(timeout=60)
        futures = [clip.submit(make_frame(number)) for number in range(1, 5)]
        assert [lane.load for lane in clip._lanes] == [2]
        assert len(clip._queue) == 1
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

    with lanes(replace(settings, device="cpu,cpu")) as clip:
        stand(clip._lanes[0])
        futures = [clip.submit(make_frame(0))]
        for number in range(1, 6):
            futures.append(clip.submit(make_frame(number)))
            futures[-1].result(timeout=60)
        assert [lane.done for lane in clip._lanes] == [0, 5]
        stand(clip._lanes[1])
        futures += [clip.submit(make_frame(number)) for number in (6, 7)]
        assert [lane.load for lane in clip._lanes] == [1, 2]
        go_on.set()
        results = [future.result(timeout=60) for future in futures]
        assert [result.timing.pts for result in results] == [3 * number for number in range(8)]


class _Standing:
    """A lane's staging whose `run` is another."""

    def __init__(self, staging, run):
        self.run, self.finish = run, staging.finish


def test_decode_and_compute_overlap(settings):
    """`submit` comes back while the network runs."""
    go_on = Event()

    def wait(image):
        assert go_on.wait(timeout=60)
        return image

    with lanes(settings, wait) as clip:
        futures = [clip.submit(make_frame(number)) for number in range(SLOTS)]
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


def test_a_repeated_frame_is_not_computed_again(settings):
    numbers, model = [1, 1, 1, 2, 1, 1], Calling(torch.sqrt)
    expected = [restore(settings, [make_frame(number)], model=torch.sqrt)[0] for number in numbers]
    with lanes(settings, model) as clip:
        frames = [
            replace(make_frame(number), timing=Timing(pts=i, duration=1, time_base=Fraction(1, 90)))
            for i, number in enumerate(numbers)
        ]
        results = [future.result(60) for future in [clip.submit(frame) for frame in frames]]
    assert sum(shape[0] for shape in model.seen) == 3
    for i, (result, other) in enumerate(zip(results, expected, strict=True)):
        assert same(result, other)
        assert result.timing == frames[i].timing


def test_repeated_frames_are_computed_where_dedup_is_off(settings):
    model = Calling()
    restore(replace(settings, dedup=False), [make_frame(1)] * 3, model=model)
    assert len(model.seen) == 3


def fail(_):
    raise RuntimeError("shape mismatch")


def test_a_failure_is_tried_anew(settings):
    model = Calling(fail)
    with lanes(settings, model) as clip:
        with pytest.raises(RuntimeError, match="shape"):
            clip.submit(make_frame(1)).result(60)
        model.function = torch.sqrt
        assert clip.submit(make_frame(1)).result(60).timing == make_frame(1).timing


def test_a_frame_that_differs_by_one_code_is_computed(settings):
    model = Calling()
    first = make_frame(1)
    planes = [plane.copy() for plane in first.planes]
    planes[2][-1, -1] ^= 1
    with lanes(settings, model) as clip:
        clip.submit(first).result(60)
        clip.submit(replace(first, planes=tuple(planes))).result(60)
    assert len(model.seen) == 2


def test_a_repeated_frame_shares_the_failure_and_survives_a_cancelled_original(settings):
    with lanes(settings, fail) as clip:
        futures = [clip.submit(make_frame(1)) for _ in range(2)]
        for future in futures:
            with pytest.raises(RuntimeError, match="shape"):
                future.result(60)
    go_on = Event()

    def wait(image):
        assert go_on.wait(timeout=60)
        return image

    with lanes(settings, wait) as clip:
        others = [clip.submit(make_frame(number)) for number in range(10, 10 + SLOTS)]
        first, second = clip.submit(make_frame(1)), clip.submit(make_frame(1))
        assert first.cancel()
        go_on.set()
        assert second.result(60).timing == make_frame(1).timing
        assert all(future.result(60) for future in others)


def test_closing_cancels_a_repeated_frame_with_its_original(settings):
    begun, go_on = Event(), Event()

    def wait(image):
        begun.set()
        assert go_on.wait(timeout=60)
        return image

    engine = Engine(settings, opener=opener(wait))
    clip = engine.clip(SOURCE, TARGET)
    under_way = [clip.submit(make_frame(number)) for number in range(SLOTS)]
    waiting = [clip.submit(make_frame(9)) for _ in range(3)]
    assert begun.wait(timeout=60)
    with ThreadPoolExecutor(1) as other:
        closing = other.submit(engine.close)
        while not clip._closed:
            pass
        go_on.set()
        closing.result(timeout=60)
    assert all(future.cancelled() for future in waiting)
    assert all(future.done() for future in under_way)


def test_a_bug_is_not_called_memory(settings):
    with lanes(settings, fail) as clip, pytest.raises(RuntimeError, match="shape"):
        clip.submit(make_frame(0)).result()


def test_a_missing_model_is_named(settings, tmp_path):
    with pytest.raises(ModelError, match="nowhere"):
        Engine(replace(settings, model_path=tmp_path / "nowhere"))


@pytest.mark.parametrize(
    "name", ["gpu", "cuda:x", "cuda:", "cuda:²", "cpu:1", "cuda:99", "xpu:99", "mps:99", ""]
)
def test_devices_that_are_not_there(name):
    with pytest.raises(DeviceError, match=r"no device .*use (auto, )?cpu"):
        pick_device(name)


def test_devices_of_other_makers_are_taken_by_name_where_pytorch_has_them(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: True)
    monkeypatch.setattr(torch.xpu, "device_count", lambda: 2)
    monkeypatch.setattr(torch.mps, "device_count", lambda: 1)
    found = pick_devices("xpu, xpu:1, mps, cpu, auto")
    assert [str(device) for device in found] == ["xpu:0", "xpu:1", "mps:0", "cpu", "cpu"]
    assert pick_dtype("auto", torch.device("mps", 0)) == torch.float32
    with pytest.raises(DeviceError, match="there are 1 MPS devices"):
        pick_device("mps:1")


def test_fp8_is_not_asked_of_the_capability_that_rocm_counts(monkeypatch):
    monkeypatch.setattr(torch.version, "hip", "7.0")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 4))  # an MI300
    assert not has_fp8(torch.device("cuda"))
    monkeypatch.setattr(torch.version, "hip", None)
    assert has_fp8(torch.device("cuda"))


def test_memory_is_given_back_on_every_kind_of_gpu_that_is_there(monkeypatch):
    freed = []
    for kind in ("cuda", "xpu", "mps"):
        module = getattr(torch, kind)
        monkeypatch.setattr(module, "empty_cache", partial(freed.append, kind))
        monkeypatch.setattr(module, "device_count", lambda kind=kind: int(kind == "mps"))
    free_caches()
    assert freed == ["mps"]


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
        Engine(replace(settings, dtype="fp8", compile=True))


def test_fp8_is_close_to_bf16(settings, monkeypatch):
    """On the CPU as a GPU would: its product of scaled matrices is the same one."""
    monkeypatch.setattr("vs_gendrpix.models.devices.has_fp8", lambda _: True)
    changed = []

    def remember(unet):
        changed.append(unet)
        to_fp8(unet)

    monkeypatch.setattr("vs_gendrpix.models.gendrpix.restorer.to_fp8", remember)
    (plain,) = restore(replace(settings, dtype="bf16"), [make_frame(3)])
    # Not compiled, which settings ask for because of the time alone.
    eight = open_restorer(settings.model_path, device=torch.device("cpu"), dtype="fp8")
    (coarse,) = restore(settings, [make_frame(3)], model=eight)
    assert len(changed) == 1
    for plane, other in zip(plain.planes, coarse.planes, strict=True):
        assert np.abs(plane.astype(int) - other.astype(int)).max() <= 8


def test_one_engine_restores_clips_of_many_sizes_and_loads_its_model_once(settings, monkeypatch):
    loads = []

    def load(*given, **named):
        loads.append(given)
        return load_network(*given, **named)

    monkeypatch.setattr("vs_gendrpix.models.gendrpix.restorer.load_network", load)
    gray = frame_format(30, 20, "gray", 16)
    clips = [
        (SOURCE, TARGET),
        (replace(SOURCE, width=64), replace(TARGET, width=128)),
        (gray, gray),
    ]
    with Engine(replace(settings, device="cpu,cpu")) as engine:
        for source, target in clips:
            with engine.clip(source, target) as clip:
                (made,) = clip.map([make_frame(1, source)])
            assert made.format == target
            assert same(made, *restore(settings, [make_frame(1, source)], source, target))
    assert len(loads) == 1 + len(clips)


def test_two_clips_at_once(settings):
    frames, small = [make_frame(number) for number in range(4)], replace(TARGET, width=64)
    with Engine(settings) as engine:
        first, second = engine.clip(SOURCE, TARGET), engine.clip(SOURCE, small)
        pairs = [(first.submit(frame), second.submit(frame)) for frame in frames]
        results = [
            [future.result(60) for future in futures] for futures in zip(*pairs, strict=True)
        ]
    for found, target in zip(results, (TARGET, small), strict=True):
        wanted = restore(settings, frames, target=target)
        assert all(same(*pair) for pair in zip(found, wanted, strict=True))


def test_an_engine_closes_its_clips(settings):
    with Engine(settings) as engine:
        clip = engine.clip(SOURCE, TARGET)
    with pytest.raises(RuntimeError, match="closed"):
        clip.submit(make_frame(0))


def test_map_gives_all_frames_in_order_and_holds_no_more_than_its_lanes(settings):
    taken, waited = [], []

    def frames():
        for number in range(3 * SLOTS):
            taken.append(number)
            yield make_frame(number)

    @contextmanager
    def waiting():
        waited.append(len(taken))
        yield

    with lanes(settings, Negative()) as clip:
        for number, frame in enumerate(clip.map(frames(), waiting=waiting)):
            assert frame.timing == make_frame(number).timing
            assert len(taken) <= number + clip.capacity
    assert number == 3 * SLOTS - 1
    assert len(waited) == 3 * SLOTS


GRAY = frame_format(24, 16, "gray", 16)
PLAIN = {"color_fix": "none", "model_path": None}


def test_a_restorer_of_five_lines_is_enough(settings):
    settings, frame = replace(settings, **PLAIN), make_frame(1, GRAY)
    (found,) = restore(settings, [frame], GRAY, GRAY, Negative())
    wanted = 2 * 16 * 256 + 219 * 256 - frame.planes[0].astype(int)
    assert np.abs(found.planes[0].astype(int) - wanted).max() <= 1
    (half,) = restore(replace(settings, strength=0.5), [frame], GRAY, GRAY, Negative())
    assert np.abs(half.planes[0].astype(int) - (16 + 219 / 2) * 256).max() <= 1


@pytest.mark.parametrize("tile", [None, (64, 64)])
def test_a_restorer_that_enlarges_by_itself(settings, tile):
    """Its own size is given as it is, another one is made from it."""
    settings = replace(settings, tile=tile, **PLAIN)
    source = replace(GRAY, width=100, height=72)
    frame, model = make_frame(1, source), Doubled()
    twice = replace(source, width=200, height=144)
    (found,) = restore(settings, [frame], source, twice, model)
    wanted = frame.planes[0].repeat(2, 0).repeat(2, 1).astype(int)
    assert np.abs(found.planes[0].astype(int) - wanted).max() <= 1
    # Tiles begin at multiples of 4, here at 0 and 8 and at 0, 32 and 36.
    assert model.seen == ({(72, 100)} if tile is None else {(64, 64)})
    rgb = torch.from_numpy(wanted.astype(np.float32))[None, None]
    smaller = replace(source, width=150, height=108)
    (found,) = restore(settings, [frame], source, smaller, model)
    resized = F.interpolate(rgb, (108, 150), mode="bicubic", antialias=True)[0, 0].numpy()
    assert np.abs(found.planes[0].astype(int) - resized).max() <= 2


def test_our_restorer_may_be_called_on_pictures_from_0_to_1(small_model):
    restorer = open_restorer(small_model, device="cpu", dtype="fp32")
    image = torch.rand(1, 3, 24, 40, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        called, run = restorer(image), restorer.run(image * 2 - 1)
    torch.testing.assert_close(called, (run + 1) / 2, atol=1e-6, rtol=0)
    assert 1e-4 < (called - image).abs().mean() < 0.2
    assert (restorer.scale, restorer.multiple, restorer.reach) == (None, 8, 0)
    assert (restorer.card.name, restorer.dtype, restorer.file) == ("random", "float32", small_model)


def test_a_restorer_that_needs_neighbours_is_refused(settings):
    class Temporal(Negative):
        reach = 2

    with pytest.raises(ModelError, match="2 neighbouring frames on each side"):
        Engine(settings, opener=opener(Temporal()))


def test_a_restorer_is_opened_once_for_each_device(settings):
    opened = []

    def open_on(device):
        opened.append(device)
        return Negative()

    with Engine(replace(settings, device="cpu,cpu"), opener=open_on) as engine:
        assert len(engine.devices) == 2
    assert opened == [torch.device("cpu")]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_nearly_the_same(settings):
    frames = [make_frame(number) for number in range(8)]
    on_cpu, on_gpu = restore(settings, frames), restore(replace(settings, device="cuda"), frames)
    for first, second in zip(on_cpu, on_gpu, strict=True):
        for plane, other in zip(first.planes, second.planes, strict=True):
            # Kernels sum in another order: a code of 1023 at a rounding edge.
            assert np.abs(plane.astype(int) - other.astype(int)).max() <= 2
