import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.model.gendrpix import CELL, GenDRPix, ModelCard, random_network, zero_tail
from vs_gendrpix.model.unet import UNetConfig

SMALL = UNetConfig(
    channels=(16, 32),
    attention=(False, True),
    layers=1,
    condition_tokens=2,
    condition_dim=8,
    head_dim=16,
    groups=8,
)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_shuffle_undoes_unshuffle_bit_for_bit(rows, columns, seed):
    image = picture(CELL * rows, CELL * columns, seed)
    assert torch.equal(F.pixel_shuffle(F.pixel_unshuffle(image, CELL), CELL), image)


def test_a_token_is_one_cell_of_the_picture():
    """With an identity in the middle the tokens come back as the pixels they were."""
    network = random_network(SMALL, seed=0, card=ModelCard(name="direct", residual=False))
    network.unet.forward = lambda cells, _: cells
    image = picture(24, 40)
    assert torch.equal(network(image, network.positive), image)


def test_a_zero_tail_returns_the_picture():
    network = zero_tail(random_network(SMALL, seed=0))
    image = picture(32, 48)
    with torch.no_grad():
        output = network(image, network.positive.expand(2, -1, -1))
    assert torch.equal(output, image)


def test_a_direct_model_does_not_add_its_input():
    network = zero_tail(random_network(SMALL, seed=0, card=ModelCard(name="d", residual=False)))
    with torch.no_grad():
        output = network(picture(16, 16), network.positive.expand(2, -1, -1))
    assert not output.any()


def test_low_precision_keeps_the_pictures_own(small_network):
    """bf16 has 8 bits: the input itself must not pass through it."""
    network = zero_tail(GenDRPix(small_network.unet.config, small_network.card)).bfloat16()
    image = picture(16, 16)
    with torch.no_grad():
        output = network(image, network.positive.expand(2, -1, -1))
    assert output.dtype == torch.float32
    assert torch.equal(output, image)


def test_the_condition_reaches_the_picture(small_network):
    image = picture(64, 64)[:1]
    first = small_network(image, small_network.positive[None])
    second = small_network(image, small_network.negative[None])
    assert (first - second).abs().max() > 1e-6


def test_a_seed_gives_one_network():
    before = torch.get_rng_state()
    first, second = (random_network(SMALL, seed=5).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("size", [(8, 8), (8, 72), (520, 8)])
def test_thin_pictures_pass(small_network, size):
    assert small_network(picture(*size)[:1], small_network.positive[None]).shape[-2:] == size
