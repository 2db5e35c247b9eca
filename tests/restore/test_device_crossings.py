"""After its first frame nothing on a frame's way lets the host wait for a GPU.

The GPU is one of tensors without values, so all of the way can run on any machine: what would be
copied between host and device, or read by the host, is seen. So is what PyTorch has not written for
Apple's GPUs.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
import torchgen
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn import Parameter
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from tests.restorers import Doubled, Negative
from vs_gendrpix.frame.format import ColorSpec, FrameFormat, PixelLayout
from vs_gendrpix.models.opening import open_restorer
from vs_gendrpix.restore.color_fix import KERNEL, LowBand
from vs_gendrpix.restore.way import Way
from vs_gendrpix.settings import RestoreSettings

GPU = torch.device("cuda", 0)
PQ = ColorSpec(matrix=9, primaries=9, transfer=16)
SOURCE = FrameFormat(
    width=96, height=64, layout=PixelLayout(family="yuv", bits=10, subsampling=(1, 1)), color=PQ
)
TARGET = replace(SOURCE, width=192, height=128)
FLOAT = FrameFormat(
    width=96, height=64, layout=PixelLayout(family="rgb", bits=32, floating=True, alpha=True)
)
BT709 = replace(TARGET, color=ColorSpec(matrix=1, primaries=1, transfer=16))


class Crossings(TorchDispatchMode):
    """The operations whose tensors are not all on one device, or whose result the host reads."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.operations = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        self.operations.add(operation.name().removeprefix("aten::"))
        leaves = tree_leaves((args, kwargs, result))
        devices = {leaf.device.type for leaf in leaves if isinstance(leaf, torch.Tensor)}
        if len(devices) > 1 or "_local_scalar_dense" in str(operation):
            self.found.append(str(operation))
        return result


@cache
def written_for_mps() -> frozenset[str]:
    """The operations that PyTorch's own list has for Apple's GPUs, or made of others."""
    listed = Path(torchgen.__file__).parent / "packaged/ATen/native/native_functions.yaml"
    text = listed.read_text(encoding="utf-8")
    kinds = r"^\s+[\w, ]*\b(MPS|CompositeExplicitAutograd\w*|CompositeImplicitAutograd)\b[\w, ]*:"
    found, delegates = {"prim::device"}, {}
    for entry in text.split("\n- func: ")[1:]:
        name = entry.partition("(")[0]
        delegate = re.search(r"structured_delegate: ([\w.]+)", entry)
        if delegate:
            delegates[name] = delegate[1]
        elif "dispatch:" not in entry or re.search(kinds, entry, re.MULTILINE):
            found.add(name)
    return frozenset(found | {name for name, other in delegates.items() if other in found})


def crossings(restorer, settings, source, target) -> list[list[str]]:
    """What crosses in the first frame, and in the second one; within a `FakeTensorMode`."""
    way = Way(restorer, settings, source, target, device=GPU)
    way.graphs = None  # a recording needs a GPU
    types = {"uint8": torch.uint8, "uint16": torch.uint16, "float32": torch.float32}
    planes = tuple(
        torch.empty((1, *shape), dtype=types[source.dtype.name], device=GPU)
        for shape in source.plane_shapes
    )
    found = []
    for _ in range(2):
        with Crossings() as seen:
            way(planes)
        found.append(seen.found)
        assert seen.operations <= written_for_mps()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chosen", "source", "target"),
    [
        ({}, SOURCE, TARGET),
        ({"grain": 1.0}, SOURCE, TARGET),
        ({}, SOURCE, BT709),
        ({"tile": (64, 64)}, SOURCE, TARGET),
        ({"strength": 0.5, "grain": 0.5}, FLOAT, replace(FLOAT, width=100)),
        ({"strength": 0.0}, SOURCE, TARGET),
    ],
)
@pytest.mark.parametrize("model", [Negative, Doubled])
def test_no_operation_of_a_second_frame_crosses_devices(model, chosen, source, target):
    with FakeTensorMode(allow_non_fake_inputs=True):
        first, second = crossings(model(), RestoreSettings(**chosen), source, target)
    # The dither of a format's planes is made with the first one.
    assert first == [] or source is not FLOAT
    assert second == []


@pytest.mark.slow
@pytest.mark.parametrize("model", ["tiny", "base"])
def test_our_network_crosses_no_devices(model):
    restorer = open_restorer(model, device="cpu", dtype="fp32")
    with FakeTensorMode(allow_non_fake_inputs=True):
        for part in restorer.network.modules():
            for name, value in list(part.named_parameters(recurse=False)):
                part.register_parameter(name, Parameter(torch.empty_like(value, device=GPU), False))
            for name, value in list(part.named_buffers(recurse=False)):
                part.register_buffer(name, torch.empty_like(value, device=GPU))
        network = restorer.network
        restorer.guided = replace(
            restorer.guided, positive=network.positive, negative=network.negative
        )
        assert crossings(restorer, RestoreSettings(), SOURCE, TARGET)[1] == []


def test_a_crossing_is_seen(monkeypatch):
    """As the colour fix once had one: a kernel made of Python's numbers for every frame."""
    filtered = LowBand._filtered

    def anew(self, cells):
        self._taps = torch.tensor(KERNEL, dtype=cells.dtype, device=cells.device)
        return filtered(self, cells)

    monkeypatch.setattr(LowBand, "_filtered", anew)
    with FakeTensorMode(allow_non_fake_inputs=True):
        _, second = crossings(Negative(), RestoreSettings(), SOURCE, TARGET)
    assert len(second) == 2
