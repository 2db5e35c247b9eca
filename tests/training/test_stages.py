import pytest
import torch

from vs_gendrpix.models.gendrpix.network import random_network
from vs_gendrpix.models.gendrpix.unet import TINY
from vs_gendrpix.training.critic import PixelCritic
from vs_gendrpix.training.data.pairs import Pair
from vs_gendrpix.training.settings import StageSettings
from vs_gendrpix.training.stages import PixStage


def gradient(**settings: object) -> torch.Tensor:
    """What a stage's losses, of pictures with a loud and a silent critic, ask of the result."""
    draw = torch.Generator().manual_seed(1)
    pictures = [torch.rand(2, 3, 64, 64, generator=draw) for _ in range(3)]
    batch = Pair(*pictures[:2], torch.zeros(2, dtype=torch.bool), pictures[2], torch.ones(2))
    critic = PixelCritic(8, seed=1).requires_grad_(requires_grad=False)
    critic.last.weight.mul_(settings.pop("loudness", 1.0))
    chosen = StageSettings(critic="pixels", critic_sees="detail", **settings)
    stage = PixStage(chosen, random_network(TINY, seed=1).train(), critic=critic)
    losses, attempt = stage.losses(batch, (1, 1))
    return torch.autograd.grad(losses["total"], attempt.output)[0]


@pytest.mark.parametrize("loudness", [0.1, 100.0])
def test_balanced_critics_pull_as_hard_as_their_weights_say(loudness):
    """However loud they are."""
    aim = gradient(adversarial=1e-9).norm().item()
    for name, others in (("adversarial", {}), ("features", {"adversarial": 1e-9})):
        only = {"l1": 0.0, "balance": True, "loudness": loudness, **others, name: 0.5}
        assert gradient(**only).norm().item() == pytest.approx(0.5 * aim, rel=1e-3)


def test_a_balanced_pull_keeps_its_direction():
    ways = [gradient(adversarial=1.0, l1=0.0, balance=way).flatten() for way in (False, True)]
    assert torch.cosine_similarity(*ways, dim=0) == pytest.approx(1, abs=1e-4)
