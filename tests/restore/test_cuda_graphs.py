"""CUDA graphs: when a network is recorded and when not; on a GPU, what is played.

On the CPU a recording is the network itself, with the memory of one: what it is played with and
what it makes lie in the same place each time.
"""

import logging
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.restore.test_engine import SOURCE, make_frame, restore, same
from vs_gendrpix.restore.cuda_graphs import (
    LARGEST,
    MOST,
    CudaGraphs,
    CudaRecording,
    Network,
    persistent_tensors,
)
from vs_gendrpix.restore.engine import settings_restorer
from vs_gendrpix.restore.ladder import Step
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

CPU = torch.device("cpu")


class Eager:
    """A recording of a network that has no launches."""

    made = 0

    def __init__(self, network: Network, image: Tensor) -> None:
        Eager.made += 1
        self.network, self.image = network, image.clone()
        self.output = network(self.image)

    def play(self, image: Tensor) -> Tensor:
        self.image.copy_(image)
        self.output.copy_(self.network(self.image))
        return self.output.clone()


@pytest.fixture(autouse=True)
def none_made(monkeypatch):
    monkeypatch.setattr(Eager, "made", 0)


@pytest.fixture
def settings(small_model) -> RestoreSettings:
    return RestoreSettings(model_path=small_model, device="cpu", dtype="fp32", guidance=1.3)


def pictures(count: int, width: int = 40) -> list[Tensor]:
    draw = torch.Generator().manual_seed(count)
    return [torch.rand(1, 3, 24, width, generator=draw) for _ in range(count)]


def double(image: Tensor) -> Tensor:
    return image * 2


def test_a_shape_is_recorded_once_and_results_are_the_callers_own():
    graphs = CudaGraphs(record=Eager)
    first, second, third = pictures(3)
    results = [graphs.run(double, image) for image in (first, second, third)]
    assert Eager.made == 1
    for result, image in zip(results, (first, second, third), strict=True):
        assert torch.equal(result, image * 2)


def test_another_shape_is_recorded_anew():
    graphs = CudaGraphs(record=Eager)
    for image in (pictures(1)[0], pictures(1, 48)[0]):
        for _ in range(2):
            assert torch.equal(graphs.run(double, image), image * 2)
    assert Eager.made == 2


def test_a_recording_keeps_what_the_network_keeps():
    weights = torch.nn.Conv2d(3, 3, 1)
    cached = [torch.arange(40)]

    def network(image):
        passing = image + 1
        return weights(passing.index_select(3, cached[0]))

    image = pictures(1)[0]
    kept = persistent_tensors(network, image)
    wanted = {id(weights.weight), id(weights.bias), id(cached[0]), id(image)}
    assert {id(each) for each in kept} == wanted


class FailingGraph:
    """PyTorch's context of a recording that fails: it leaves the thread on its own stream."""

    def __init__(self, _graph, *, stream, capture_error_mode):
        assert capture_error_mode == "thread_local"
        self.stream = stream

    def __enter__(self):
        now.append(self.stream)

    def __exit__(self, *ended):
        raise RuntimeError("operation not permitted when stream is capturing")


class FakeStream:
    """A stream that tells what is done with it."""

    def __init__(self, _device=None):
        self.done = []

    def wait_stream(self, _other):
        self.done.append("wait")

    def synchronize(self):
        self.done.append("synchronize")


now: list = []


class OnStream:
    """PyTorch's context of a stream: it gives the thread the one before back."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        self.before = now[-1]
        now.append(self.stream)

    def __exit__(self, *ended):
        now.append(self.before)


def test_a_recording_that_fails_gives_the_thread_its_stream_back(monkeypatch):
    first, side = FakeStream(), FakeStream()
    now[:] = [first]
    fakes = {
        "Stream": lambda _device: side,
        "stream": OnStream,
        "current_stream": lambda _device: first,
        "CUDAGraph": object,
        "graph": FailingGraph,
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    with pytest.raises(RuntimeError, match="not permitted"):
        CudaRecording(double, pictures(1)[0])
    assert now[-1] is first
    assert side.done[-1] == "synchronize"


def test_large_pictures_and_too_many_shapes_are_not_recorded():
    graphs = CudaGraphs(record=Eager)
    large = torch.zeros(2, 3, 1024, LARGEST // 2048 + 1)
    graphs.run(double, large)
    assert Eager.made == 0
    for width in range(8, 8 * (MOST + 4), 8):
        graphs.run(double, torch.zeros(1, 3, 8, width))
    assert Eager.made == MOST


def test_what_cannot_be_recorded_runs_as_it_is(caplog):
    def fail(*_):
        raise torch.OutOfMemoryError("CUDA out of memory\nand more")

    graphs = CudaGraphs(record=fail)
    with caplog.at_level(logging.WARNING):
        for image in pictures(3):
            assert torch.equal(graphs.run(double, image), image * 2)
    assert [record.message for record in caplog.records] == [
        "the network cannot be recorded (CUDA out of memory): it runs without CUDA graphs"
    ]


def test_what_plays_otherwise_is_never_shown(caplog):
    class Wrong(Eager):
        def play(self, image: Tensor) -> Tensor:
            return super().play(image) + 0.01

    graphs = CudaGraphs(record=Wrong)
    for image in pictures(3):
        assert torch.equal(graphs.run(double, image), image * 2)
    assert Eager.made == 1
    assert "turns out otherwise" in caplog.text


@pytest.mark.parametrize(
    "steps",
    [
        [Step(name="whole")],
        [Step(name="tiles", tile=(64, 64))],
        [Step(name="whole"), Step(name="single", thrift=1), Step(name="few", thrift=2)],
    ],
)
def test_the_restorer_gives_the_same(settings, steps):
    target = replace(SOURCE, width=SOURCE.width * 2, height=SOURCE.height * 2)
    restorer = settings_restorer(settings, CPU)
    plain, played = (Way(restorer, settings, SOURCE, target, device=CPU) for _ in range(2))
    played.graphs = CudaGraphs(record=Eager)
    assert plain.graphs is None
    for step in steps:
        for image in pictures(3):
            with torch.inference_mode():
                assert torch.equal(played.restore(image, step)[0], plain.restore(image, step)[0])
    recorded = sum(step.thrift == 0 for step in steps)  # where memory is short, none are
    assert bool(Eager.made) == bool(recorded)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_cuda_graph_gives_what_the_network_gives(settings):
    restorer = settings_restorer(settings, torch.device("cuda"))
    with torch.inference_mode():
        images = [torch.rand(1, 3, 128, 192, device="cuda") for _ in range(4)]
        recording = CudaRecording(restorer.run, images[0])
        results = [recording.play(image) for image in images]
        for result, image in zip(results, images, strict=True):
            assert torch.allclose(result, restorer.run(image), rtol=0, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_two_lanes_of_a_device_play_their_own(settings, caplog):
    frames = [make_frame(number) for number in range(12)]
    alone = restore(replace(settings, device="cuda"), frames)
    both = restore(replace(settings, device="cuda,cuda"), frames)
    assert all(same(*pair) for pair in zip(alone, both, strict=True))
    assert "without CUDA graphs" not in caplog.text
