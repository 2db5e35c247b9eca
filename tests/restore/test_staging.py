import random
from collections import deque
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from tests.virtual_clock import VirtualClock
from vs_gendrpix.restore.staging import SLOTS, Backend, CudaBackend, Lane, OrderedBackend, Slot

CPU = torch.device("cpu")
LAYOUT = [((2, 3), torch.uint8), ((1, 1), torch.uint16)]


def frame(number: int) -> tuple[np.ndarray, ...]:
    return (
        np.full((2, 3), number % 200, np.uint8),
        np.full((1, 1), number * 7, np.uint16),
    )


def restore(planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return tuple(255 - plane if plane.dtype == torch.uint8 else plane for plane in planes)


def expected(number: int) -> tuple[np.ndarray, ...]:
    first, second = frame(number)
    return 255 - first, second


def make_lane(backend: Backend) -> Lane:
    return Lane(backend, LAYOUT, LAYOUT, restore)


def drive(lane: Lane, count: int) -> list[tuple[np.ndarray, ...]]:
    """The engine's way with a lane, in one thread: a frame under way for each slot."""
    under_way: deque[Slot] = deque()
    results = []
    for number in range(count):
        if len(under_way) == SLOTS:
            results += lane.finish(under_way.popleft())
        under_way.append(lane.run([frame(number)]))
    for slot in under_way:
        results += lane.finish(slot)
    return results


def right(results: list[tuple[np.ndarray, ...]], count: int) -> bool:
    return right_of(results, range(count))


def right_of(results: list[tuple[np.ndarray, ...]], numbers: Sequence[int]) -> bool:
    return len(results) == len(numbers) and all(
        np.array_equal(mine, theirs)
        for number, result in zip(numbers, results, strict=True)
        for mine, theirs in zip(result, expected(number), strict=True)
    )


def fixed(upload: float, compute: float, download: float):
    times = {"upload": upload, "compute": compute, "download": download}
    return times.__getitem__


SCHEDULES = [(1, 5, 1), (5, 1, 1), (1, 1, 5), (2, 2, 2), (0.1, 9, 0.3)]


@pytest.mark.parametrize("times", SCHEDULES)
def test_frames_come_out_whole_and_in_order(times):
    assert right(drive(make_lane(VirtualClock(fixed(*times))), 20), 20)


@pytest.mark.parametrize("times", SCHEDULES)
def test_the_streams_overlap(times):
    """The whole takes no longer than its longest stage, or than three slots allow."""
    count, clock = 50, VirtualClock(fixed(*times))
    drive(make_lane(clock), count)
    whole = sum(times)
    assert clock.now <= count * max(*times, whole / SLOTS) + whole + 1e-9


def test_equal_stages_run_three_at_once():
    clock = VirtualClock(fixed(2, 2, 2))
    drive(make_lane(clock), 50)
    assert clock.now == pytest.approx(2 * (50 + 2))


@pytest.mark.parametrize("wait", ["compute", "download", "synchronize"])
def test_every_wait_is_needed(wait):
    """A lane without one of its waits must give wrong pictures somewhere."""
    outcomes = [
        right(drive(make_lane(VirtualClock(fixed(*times), ignore=wait)), 12), 12)
        for times in SCHEDULES
    ]
    assert not all(outcomes)


def test_a_slot_must_not_be_reused_before_it_is_freed():
    """The wait for a free slot is needed too: a lane that frees at once spoils running copies."""
    lane = make_lane(VirtualClock(fixed(5, 1, 1)))
    original = lane.run

    def run(frames):
        slot = original(frames)
        lane._free.put(slot)
        return slot

    results = []
    slots = [run([frame(number)]) for number in range(7)]
    results = [result for slot in slots for result in lane.finish(slot)]
    assert not right(results, 7)


@pytest.mark.slow
def test_a_thousand_random_schedules():
    for seed in range(1000):
        traces = []
        for _ in range(2):
            draw = random.Random(seed)  # noqa: S311 - no secret
            clock = VirtualClock(lambda _, draw=draw: draw.choice((0.0, 0.5, 1.0, 4.0)))
            assert right(drive(make_lane(clock), 8), 8)
            traces.append(clock.trace)
        assert traces[0] == traces[1]


def test_the_ring_is_bounded():
    lane = make_lane(OrderedBackend(CPU))
    for number in range(SLOTS):
        lane.run([frame(number)])
    assert lane._free.empty()


def test_the_caller_owns_the_result():
    """A later frame must not change an earlier result."""
    lane = make_lane(OrderedBackend(CPU))
    (first,) = lane.finish(lane.run([frame(1)]))
    for number in range(2, 2 + 2 * SLOTS):
        lane.finish(lane.run([frame(number)]))
    assert np.array_equal(first[0], expected(1)[0])


def test_no_buffer_is_allocated_for_a_frame():
    lane = make_lane(OrderedBackend(CPU))
    addresses = set()
    for number in range(4 * SLOTS):
        slot = lane.run([frame(number)])
        addresses.add(slot.pinned_in[0].data_ptr())
        lane.finish(slot)
    assert len(addresses) == SLOTS


def test_a_failure_frees_its_slot():
    def fail(_):
        raise ZeroDivisionError

    lane = Lane(OrderedBackend(CPU), LAYOUT, LAYOUT, fail)
    for _ in range(2 * SLOTS):
        with pytest.raises(ZeroDivisionError):
            lane.run([frame(0)])
    assert lane._free.qsize() == SLOTS


@pytest.mark.parametrize("backend", [OrderedBackend(CPU), VirtualClock(fixed(1, 5, 1))])
def test_a_batch_is_computed_at_once_whether_full_or_not(backend):
    seen = []

    def compute(planes):
        seen.append([tuple(plane.shape) for plane in planes])
        return restore(planes)

    lane = Lane(backend, LAYOUT, LAYOUT, compute, batch=3)
    for numbers in ((1, 2, 3), (4,), (5, 6)):
        assert right_of(lane.finish(lane.run([frame(number) for number in numbers])), numbers)
    assert seen == [[(3, 2, 3), (3, 1, 1)]] * 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_gives_the_same():
    assert right(drive(make_lane(CudaBackend(torch.device("cuda"))), 100), 100)
