"""What several tests of the evaluation share."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

from tests.restorers import zero_tail
from vs_gendrpix.models.gendrpix.files import load_network, save_network

if TYPE_CHECKING:
    from vs_gendrpix.models.gendrpix.network import GenDRPix


@pytest.fixture(scope="session")
def idle_model(tmp_path_factory: pytest.TempPathFactory, small_model: Path) -> Path:
    """A model file whose network changes nothing."""
    network: GenDRPix = load_network(small_model, device=torch.device("cpu"), dtype=torch.float32)
    path = tmp_path_factory.mktemp("models") / "idle.safetensors"
    save_network(path, zero_tail(network))
    return path
