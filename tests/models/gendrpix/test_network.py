from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests import conftest
from tests.restorers import zero_tail
from vs_gendrpix.errors import ModelError
from vs_gendrpix.evaluation.measures.grid import lattice_ratio
from vs_gendrpix.models.gendrpix.compact import CompactConfig
from vs_gendrpix.models.gendrpix.network import (
    CELL,
    CELLS,
    FLAT,
    LATTICE_WINDOW,
    GenDRPix,
    ModelCard,
    random_network,
    without_lattice,
)
from vs_gendrpix.models.gendrpix.unet import UNetConfig

SMALL = replace(conftest.SMALL, attention=(False, True))


def of_cells(side: int) -> UNetConfig:
    """The small network on cells of another size."""
    return replace(SMALL, in_channels=3 * side**2, out_channels=3 * side**2)


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@given(rows=st.integers(1, 9), columns=st.integers(1, 9), seed=st.integers(0, 99))
def test_shuffle_undoes_unshuffle_bit_for_bit(rows, columns, seed):
    image = picture(CELL * rows, CELL * columns, seed)
    assert torch.equal(F.pixel_shuffle(F.pixel_unshuffle(image, CELL), CELL), image)


@pytest.mark.parametrize("side", CELLS)
def test_a_token_is_one_cell_of_the_picture(side):
    """With an identity in the middle the tokens come back as the pixels they were."""
    card = ModelCard(name="direct", residual=False)
    network = random_network(of_cells(side), seed=0, card=card)
    seen = []
    network.unet.forward = lambda cells, _: seen.append(cells) or cells
    image = picture(24, 40)
    assert torch.equal(network(image, network.positive), image)
    assert torch.equal(seen[0][:, 0, 1, 2], image[:, 0, side, 2 * side])


@pytest.mark.parametrize("channels", [(48, 192), (27, 27), (4, 4)])
def test_other_channels_are_refused(channels):
    config = replace(SMALL, in_channels=channels[0], out_channels=channels[1])
    with pytest.raises(ModelError, match=f"192 or 48 channels .* not {channels[0]} and"):
        random_network(config, seed=0)


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


@pytest.mark.parametrize("side", CELLS)
def test_a_tile_that_the_tail_repeats_does_not_reach_the_picture(side):
    """A random bias on the last layer is a tile all over: only its brightness may stay."""
    network = zero_tail(random_network(of_cells(side), seed=0))
    with torch.no_grad():
        network.unet.conv_out.bias.normal_(std=0.2)
        image = picture(128, 96)
        output = network(image, network.positive.expand(2, -1, -1))
    brightness = network.unet.conv_out.bias.view(3, -1).mean(1)[:, None, None]
    torch.testing.assert_close(output, image + brightness, atol=1e-6, rtol=0)


@pytest.mark.parametrize("side", CELLS)
def test_a_tile_that_comes_and_goes_leaves_no_line_in_the_spectrum(side):
    flat = torch.full((1, 3, 256, 256), 0.5)
    noise = torch.rand(flat.shape, generator=torch.Generator().manual_seed(3)) / 255
    channels, count = 3 * side**2, 256 // side
    tile = torch.randn(1, channels, 1, 1, generator=torch.Generator().manual_seed(4)) * 0.004
    fading = tile * torch.linspace(0.5, 1.5, count)[:, None]
    cells = fading.expand(1, channels, count, count)
    assert lattice_ratio(flat + noise + F.pixel_shuffle(cells, side)) > 5
    assert lattice_ratio(flat + noise + F.pixel_shuffle(without_lattice(cells), side)) < 1.2


@given(
    side=st.sampled_from(CELLS),
    rows=st.integers(1, 20),
    columns=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_what_all_pixels_of_a_cell_share_is_no_lattice(side, rows, columns, seed):
    shared_by_all = torch.randn(
        1, 3, 1, rows, columns, generator=torch.Generator().manual_seed(seed)
    )
    cells = shared_by_all.expand(-1, -1, side**2, -1, -1).flatten(1, 2)
    torch.testing.assert_close(without_lattice(cells), cells, atol=1e-5, rtol=0)


@pytest.mark.parametrize("flat", [None, FLAT])
@pytest.mark.parametrize(("side", "window"), [(8, 3), (4, 7)])
def test_detail_that_does_not_repeat_stays(side, window, flat):
    """One changed cell keeps all but its share of a window, which is small beside flat ones."""
    cells = torch.zeros(1, 3 * side**2, 31, 31)
    cells[0, 3, 15, 15] = 1
    left = without_lattice(cells, flat=flat)[0, 3, 15, 15].item()
    assert window * side >= LATTICE_WINDOW
    own, others = (1 / (power + (flat or 1e9) ** 2) for power in (1 / (3 * side**2), 0))
    share = own / (own + (window**2 - 1) * others)
    assert left == pytest.approx(1 - (1 - 1 / side**2) * share, abs=1e-6)


@pytest.mark.parametrize("side", CELLS)
def test_an_edge_leaves_no_lines_beside_it(side):
    """What sharpens an edge must not come back on the flat places beside it."""
    cells = torch.zeros(1, 3 * side**2, 15, 15)
    cells[..., 7] = 0.3 * (torch.arange(3 * side**2) % side - (side - 1) / 2)[None, :, None]
    lines = without_lattice(cells, flat=FLAT) - cells
    assert lines.abs().max() < 0.1 / 127.5  # a tenth of a code of 255


def test_a_chain_leaves_no_lines_and_a_unet_weighs_all_cells_alike():
    edge = torch.zeros(1, 48, 15, 15)
    edge[..., 7] = 0.3 * (torch.arange(48) % 4 - 1.5)[None, :, None]
    image = torch.zeros(1, 3, 60, 60)
    for config, flat in ((CompactConfig(width=8, layers=1), FLAT), (of_cells(4), None)):
        network = random_network(config, seed=0)
        network.body.forward = lambda *_: edge
        wanted = F.pixel_shuffle(without_lattice(edge, flat=flat), 4)
        assert torch.equal(network(image, network.positive[None]), wanted)


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
