"""Memory runs out by injected failures: what is tried, what is said, what stays."""

import json
import logging
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import vapoursynth as vs

from tests.choices import process_settings
from tests.clips import make_clip
from tests.restore.test_engine import SOURCE, TARGET, make_frame
from tests.restorers import Calling, Doubled, Hungry
from vs_gendrpix import EncodeSettings, gendrpix, process
from vs_gendrpix.cli.main import main
from vs_gendrpix.errors import DeviceError
from vs_gendrpix.models.devices import out_of_memory
from vs_gendrpix.models.gendrpix.attention import FeedForward, SelfAttention
from vs_gendrpix.models.gendrpix.padcfg import PadCFG
from vs_gendrpix.models.gendrpix.restorer import GenDRPixRestorer
from vs_gendrpix.restore.engine import Engine, settings_restorer
from vs_gendrpix.restore.ladder import Ladder, Step, steps
from vs_gendrpix.restore.way import Way, frame_ladder
from vs_gendrpix.settings import RestoreSettings

CPU = torch.device("cpu")
BIG = replace(TARGET, width=640, height=352)
HALF = replace(SOURCE, width=320, height=176)


def full() -> torch.OutOfMemoryError:
    return torch.OutOfMemoryError("CUDA out of memory")


@pytest.fixture
def settings(small_model) -> RestoreSettings:
    return RestoreSettings(model_path=small_model, device="cpu", dtype="fp32", guidance=1.3)


def names(ladder: tuple[Step, ...]) -> list[str]:
    return [step.name for step in ladder]


def test_the_steps_become_more_frugal():
    assert names(steps((3840, 2160), None)) == [
        "whole frames",
        "an empty cache",
        "one picture at a time",
        "few tokens at a time",
        "tiles of 1024x1024 pixels",
        "tiles of 512x512 pixels",
        "tiles of 256x256 pixels",
    ]
    assert names(steps((320, 180), None))[4:] == ["tiles of 256x256 pixels"]
    assert names(steps((3840, 2160), (512, 512)))[::4] == [
        "tiles of 512x512 pixels",
        "tiles of 256x256 pixels",
    ]
    assert [step.thrift for step in steps((3840, 2160), None)] == [0, 0, 1, 2, 2, 2, 2]


@pytest.mark.slow
@pytest.mark.parametrize("enough", range(7))
def test_each_step_is_tried_once_and_the_one_that_works_stays(enough, caplog):
    ladder = Ladder(steps((3840, 2160), None), "frames of 3840x2160")
    tried = []

    def attempt(step):
        tried.append(step.name)
        if len(tried) <= enough:
            raise full()
        return step

    with caplog.at_level(logging.WARNING):
        found = ladder.run(attempt)
    assert tried == names(steps((3840, 2160), None))[: enough + 1]
    assert [record.getMessage() for record in caplog.records] == [
        f"memory ran out: trying {name}" for name in tried[1:]
    ]
    assert ladder.run(lambda step: step) == found


@pytest.mark.slow
def test_the_last_error_says_what_was_tried():
    ladder = Ladder(steps((800, 600), None), "frames of 800x600")

    def attempt(_):
        raise MemoryError

    for _ in range(2):
        with pytest.raises(DeviceError) as caught:
            ladder.run(attempt)
        for part in ("800x600", "whole frames", "few tokens", "tiles of 256", "smaller scale"):
            assert part in str(caught.value)


@pytest.mark.slow
def test_the_picture_does_not_change_in_the_middle_of_a_clip():
    ladder = Ladder(steps((800, 600), None), "frames")
    ladder.run(lambda step: step)

    def attempt(step):
        if step.tile is None:
            raise full()

    with pytest.raises(DeviceError, match="tile of 512"):
        ladder.run(attempt)
    # What does not change the picture is still tried.
    assert ladder.run(lambda step: step).name == "few tokens at a time"


@pytest.mark.slow
def test_a_result_of_a_step_that_another_device_has_left_is_made_again():
    ladder = Ladder(steps((800, 600), None), "frames")

    def others(step):
        if step.tile is None:
            raise full()

    calls = []

    def attempt(step):
        calls.append(step.tile)
        if len(calls) == 1:
            ladder.run(others)  # meanwhile, on a smaller device
        return step.tile

    assert ladder.run(attempt) == (512, 512)
    assert calls == [None, (512, 512)]


def test_what_failed_is_let_go_before_the_next_attempt():
    ladder = Ladder(steps((800, 600), None), "frames")
    held = []

    def attempt(_):
        if held:
            return held[0]() is None
        block = torch.zeros(8)
        held.append(weakref.ref(block))
        raise full()

    assert ladder.run(attempt)


@pytest.mark.parametrize(
    ("error", "is_memory"),
    [
        (full(), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB)"), True),
        (RuntimeError("Invalid buffer size: 58.07 GB"), True),
        (
            RuntimeError(
                "level_zero backend failed with error: UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY"
            ),
            True,
        ),
        (RuntimeError("shape mismatch"), False),
        (ValueError("allocate memory"), False),
    ],
)
def test_other_errors_are_no_memory(error, is_memory):
    assert out_of_memory(error) == is_memory
    if not is_memory:

        def attempt(_):
            raise error

        with pytest.raises(type(error)):
            Ladder(steps((800, 600), None), "frames").run(attempt)


def limit_pixels(monkeypatch, pixels: int) -> list[tuple[int, ...]]:
    """Let the network run out of memory above so many pixels, over the batch."""
    shapes: list[tuple[int, ...]] = []
    original = PadCFG.__call__

    def allocate(self, image, *, paired=True):
        shapes.append(tuple(image.shape))
        count = len(image) * (2 if paired and self.guidance != 1 else 1)
        if count * image.shape[-1] * image.shape[-2] > pixels:
            raise full()
        return original(self, image, paired=paired)

    monkeypatch.setattr(PadCFG, "__call__", allocate)
    return shapes


def restored(settings: RestoreSettings, count: int = 2, batch: int = 1) -> list[np.ndarray]:
    with Engine(replace(settings, batch_size=batch)) as engine:
        clip = engine.clip(HALF, BIG)
        futures = [clip.submit(make_frame(number, HALF)) for number in range(count)]
        return [future.result(60).planes[0].astype(int) for future in futures]


@pytest.mark.slow
def test_one_branch_and_one_picture_at_a_time_are_the_same_picture(settings, monkeypatch):
    expected = restored(settings, batch=2)
    limit_pixels(monkeypatch, 640 * 352)
    for plane, other in zip(restored(settings, batch=2), expected, strict=True):
        assert np.abs(plane - other).max() <= 1  # sums in another order


@pytest.mark.slow
def test_a_frame_that_does_not_fit_comes_in_tiles(settings, monkeypatch):
    expected = restored(settings)
    shapes = limit_pixels(monkeypatch, 400 * 400)
    found = restored(settings)
    assert shapes[-1][-1] <= 263
    for plane, other in zip(found, expected, strict=True):
        # The small network's norms see a tile instead of the frame: close, not equal.
        assert np.abs(plane - other).mean() < 20
    assert not np.array_equal(found[0], expected[0])


@pytest.mark.slow
def test_nothing_fits(settings, monkeypatch):
    limit_pixels(monkeypatch, 100)
    with (
        Engine(settings) as engine,
        pytest.raises(DeviceError, match=r"640x352: tried whole frames, .*tiles of 256x256 pixels"),
    ):
        engine.clip(HALF, BIG).submit(make_frame(0, HALF)).result(60)


def blur(size: int):
    """A local network: a pixel depends on a square of `size` around it."""
    return Calling(lambda image: F.avg_pool2d(image, size, 1, size // 2, count_include_pad=False))


@pytest.mark.parametrize("size", [(352, 640), (64, 700), (333, 261)])
def test_tiles_of_a_network_that_sees_less_than_the_context_are_the_whole(settings, size):
    model = blur(17)
    way = Way(model, settings, TARGET, TARGET, device=CPU)
    image = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    tiled = way._run(image, Step(name="tiles", tile=(128, 128)))
    torch.testing.assert_close(tiled, model(image), atol=1e-6, rtol=0)


def test_far_from_seams_tiles_change_nothing(settings):
    """A network that sees 6 pixels around, tiles with 2 of context: what is off fades there."""
    model = blur(13)
    model.multiple = 8
    way = Way(model, replace(settings, overlap=(8, 8)), TARGET, TARGET, device=CPU)
    image = torch.rand(1, 3, 64, 300, generator=torch.Generator().manual_seed(0))
    tiled = way._run(image, Step(name="tiles", tile=(128, 128)))
    off = (tiled - model(image)).abs().amax((0, 1, 2))
    # Tiles begin at 0, 120 and 168: the last two share 80 pixels, enough for any context.
    assert torch.nonzero(off > 1e-6).flatten().tolist() == [122, 123, 124, 125]


def test_a_step_reaches_the_network(settings):
    restorer = settings_restorer(settings, CPU)
    assert parts(restorer, Step(name="few", thrift=2)) == {1 << 13}
    assert parts(restorer, Step(name="usual")) == {1 << 14, 1 << 17}


def parts(restorer: GenDRPixRestorer, step: Step) -> set[int]:
    way = Way(restorer, RestoreSettings(), SOURCE, TARGET, device=CPU)
    with torch.inference_mode():
        way.restore(torch.zeros(1, 3, 32, 48), step)
    modules = list(restorer.network.modules())
    attention = {part.keys_at_once for part in modules if isinstance(part, SelfAttention)}
    return attention | {p.tokens_at_once for p in modules if isinstance(p, FeedForward)}


def test_all_devices_share_one_ladder(settings):
    with Engine(replace(settings, device="cpu,cpu")) as engine:
        lanes = engine.clip(SOURCE, TARGET)._lanes
    assert len({id(lane.staging.compute.ladder) for lane in lanes}) == 1


def test_a_tile_that_was_asked_for_is_used(settings, monkeypatch):
    shapes = limit_pixels(monkeypatch, 1 << 30)
    oblong = replace(settings, tile=(128, 64))
    restored(oblong, count=1)
    assert {shape[-2:] for shape in shapes} == {(64, 128)}
    ladder = frame_ladder(Calling(), oblong, HALF, BIG)
    assert ladder.run(lambda step: step.tile) == ladder.tile == (128, 64)


class Switching(Calling):
    """A model that has another one for enlargement, which enlarges by itself."""

    def suited(self, scale):
        return Doubled() if scale >= 2 else self


@pytest.mark.parametrize(("target", "sides"), [(BIG, 320), (replace(BIG, width=639), 639)])
def test_the_ladder_is_of_what_the_suited_model_sees(target, sides):
    tried = []

    def attempt(step):
        tried.append(step)
        raise torch.OutOfMemoryError("CUDA out of memory")

    ladder = frame_ladder(Switching(), RestoreSettings(), HALF, replace(target, height=176))
    with pytest.raises(DeviceError):
        ladder.run(attempt)
    assert tuple(tried) == steps((sides, 176), None)


@pytest.fixture
def hungry(monkeypatch):
    """Whatever opens a model gets one that has memory for 280 x 280 pixels."""
    model = Hungry(280 * 280)
    monkeypatch.setattr("vs_gendrpix.restore.engine.open_restorer", lambda *_, **__: model)
    return model


SAID = [
    "memory ran out: trying an empty cache",
    "memory ran out: trying one picture at a time",
    "memory ran out: trying few tokens at a time",
    "memory ran out: trying tiles of 512x512 pixels",
    "memory ran out: trying tiles of 256x256 pixels",
]


@pytest.mark.slow
@pytest.mark.usefixtures("hungry")
def test_a_run_that_fell_back_to_tiles_says_so_everywhere(tmp_path, capfd):
    make_clip(tmp_path / "in.mp4", size=(160, 90))
    places = [str(tmp_path / name) for name in ("in.mp4", "out.mkv", "run.json")]
    arguments = [*places[:2], "-d", "cpu", "--preset", "ultrafast", "--report", places[2]]
    assert main(["video", *arguments, "--progress", "json"]) == 0
    events, log = capfd.readouterr()
    told = [json.loads(line) for line in events.splitlines()]
    assert [event["message"] for event in told if event["event"] == "warning"] == SAID
    warnings = [line for line in log.splitlines() if "warning: " in line]
    assert warnings == [f"gendrpix video: warning: {sentence}" for sentence in SAID]
    report = json.loads(Path(places[2]).read_text())
    assert report["warnings"] == SAID
    assert report["settings"]["restore"]["tile"] == [256, 256]


def test_a_run_that_had_enough_says_that_it_used_no_tiles(tmp_path, hungry):
    hungry.pixels = 640 * 360
    make_clip(tmp_path / "in.mp4", size=(160, 90))
    chosen = process_settings(
        device="cpu", report=tmp_path / "run.json", encode=EncodeSettings(preset="ultrafast")
    )
    report = process(tmp_path / "in.mp4", tmp_path / "out.mkv", chosen)
    assert report.warnings == ()
    assert json.loads((tmp_path / "run.json").read_text())["settings"]["restore"]["tile"] is None


@pytest.mark.slow
@pytest.mark.usefixtures("hungry")
def test_the_filter_says_in_its_log_that_it_fell_back_to_tiles(caplog):
    clip = vs.core.std.BlankClip(format=vs.GRAY8, width=160, height=90, length=2)
    gendrpix(clip, 4, device_index=-1, matrix_in=1).get_frame(0).close()
    assert caplog.messages == SAID
