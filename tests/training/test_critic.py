import pytest
import torch
import torch.nn.functional as F

from vs_gendrpix.training.critic import PixelCritic
from vs_gendrpix.training.losses import critic_loss, feature_loss

CHANCE = 1.3863  # 2 ln 2: the loss of a critic that says nothing


def residuals(*, planted: bool, seed: int) -> torch.Tensor:
    """What a network adds: soft noise of a few codes, a weave of one code planted in it or not."""
    numbers = torch.Generator().manual_seed(seed)
    noise = F.avg_pool2d(torch.randn(8, 3, 66, 66, generator=numbers), 3, 1) * 0.05
    place = torch.arange(64)
    weave = ((place[:, None] + place[None]) % 8 < 4).float() * 2 - 1
    return 6 * (noise + (0.012 * weave if planted else 0))


@pytest.mark.slow
def test_it_learns_to_tell_a_planted_difference():
    """The critics before it stood at chance."""
    critic = PixelCritic(8, seed=1)
    optimizer = torch.optim.AdamW(critic.parameters(), lr=3e-3)
    for step in range(60):
        real = critic(residuals(planted=False, seed=2 * step)).logits
        output = critic(residuals(planted=True, seed=2 * step + 1)).logits
        loss = critic_loss(real, output)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        real = critic(residuals(planted=False, seed=1000)).logits
        output = critic(residuals(planted=True, seed=1001)).logits
    assert critic_loss(real, output) < 0.6 * CHANCE


def test_it_judges_every_place_and_follows_from_its_seed():
    image = torch.rand(2, 3, 72, 88, generator=torch.Generator().manual_seed(1))
    judgement = PixelCritic(8, seed=1)(image)
    assert judgement.logits.shape == (2, 1, 36, 44)
    assert torch.equal(PixelCritic(8, seed=1)(image).logits, judgement.logits)
    assert not torch.equal(PixelCritic(8, seed=2)(image).logits, judgement.logits)


def test_features_differ_where_pictures_do():
    critic = PixelCritic(8, seed=1).eval()
    one, near, far = (
        residuals(planted=planted, seed=seed)
        for planted, seed in ((False, 1), (True, 1), (False, 2))
    )
    base = critic(one).features
    losses = [feature_loss(critic(other).features, base) for other in (one, near, far)]
    assert losses[0] == 0
    assert 0 < losses[1] < losses[2]
