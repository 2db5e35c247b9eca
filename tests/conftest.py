"""What several rooms' tests share."""

import gc
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from tests.nearest import NearestEngine
from tests.strategies import SMALL
from vs_gendrpix.models.gendrpix.files import save_network
from vs_gendrpix.models.gendrpix.network import GenDRPix, random_network
from vs_gendrpix.write.encoding.configuring import kept_priority

# A busy machine takes ten times as long: no test is timed.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_configure() -> None:
    """Look for no garbage in what is loaded and collected: it stays, and the search takes long."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep what is there for the whole suite from being looked at whenever a test collects garbage.

    That is a million objects and more, of torch above all.
    """
    gc.enable()
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _heard_signals() -> Iterator[None]:
    """Let commands hear the signals that a shell or nohup has told the whole suite to ignore."""
    kinds = {signal.SIGHUP: signal.SIG_DFL, signal.SIGTERM: signal.SIG_DFL}
    kinds[signal.SIGINT] = signal.default_int_handler
    deaf = [kind for kind in kinds if signal.getsignal(kind) is signal.SIG_IGN]
    for kind in deaf:
        signal.signal(kind, kinds[kind])
    yield
    for kind in deaf:
        signal.signal(kind, signal.SIG_IGN)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write what a test has printed in UTF-8: names of files that are not cannot be sent between
    the processes of the suite."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _usual_priority() -> Iterator[None]:
    """Fail a test that leaves this process with real-time priority, which stops all others.

    A test that opens SVT-AV1 does so within `kept_priority`.
    """
    with kept_priority():
        before = os.sched_getscheduler(0) if sys.platform == "linux" else None
        yield
        after = os.sched_getscheduler(0) if sys.platform == "linux" else None
    assert after == before


@pytest.fixture(scope="session")
def small_network() -> GenDRPix:
    """A random network of 80,000 parameters: proves plumbing, never quality."""
    network = random_network(SMALL, seed=1)
    torch.nn.init.normal_(network.unet.conv_out.weight, std=0.002)
    return network.requires_grad_(requires_grad=False)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory, small_network: GenDRPix) -> Path:
    """The same network as a model file."""
    path = tmp_path_factory.mktemp("models") / "small.safetensors"
    save_network(path, small_network)
    return path


@pytest.fixture
def nearest_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job restores with a resize that a test can predict, and loads no network."""
    monkeypatch.setattr("vs_gendrpix.restore.engine.Engine", NearestEngine)


@pytest.fixture
def shared() -> Path:
    """The folder of clips and pictures beside the checkout; skips where it is missing."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data beside the checkout")
    return folder
