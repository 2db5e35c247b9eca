"""Halo windows against the dense attention that their plan describes."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vs_gendrpix.models.gendrpix.attention import SelfAttention
from vs_gendrpix.models.gendrpix.unet import WINDOWS, UNet, UNetConfig
from vs_gendrpix.models.gendrpix.window_plan import axis_plan
from vs_gendrpix.models.gendrpix.windows import dense_attention, window_indices, windowed_attention

CPU = torch.device("cpu")
HEAD = 8
BOTH = pytest.mark.parametrize("shifted", [False, True])


def projections(height: int, width: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    query, key, value = torch.randn(3, 2, height * width, 2 * HEAD, generator=draw)
    return query, key, value


def windowed(projected, height, width, window, *, shifted, keys_at_once=1 << 17):
    indices = window_indices(height, width, window, shifted=shifted, device=CPU)
    return windowed_attention(projected, indices, head_dim=HEAD, keys_at_once=keys_at_once)


def masked(projected, height, width, window, *, shifted):
    """Dense attention in which each token sees the window of the block that owns it."""
    rows, columns = (axis_plan(n, window, shifted=shifted) for n in (height, width))

    def seen(plan):
        first = torch.tensor(plan.windows)[torch.tensor(plan.owners())][:, None]
        place = torch.arange(plan.length)
        return (place >= first) & (place < first + plan.window)

    mask = seen(rows)[:, None, :, None] & seen(columns)[None, :, None, :]
    mask = mask.reshape(height * width, height * width)
    heads = [x.view(2, -1, 2, HEAD).transpose(1, 2) for x in projected]
    return F.scaled_dot_product_attention(*heads, attn_mask=mask).transpose(1, 2).flatten(2)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("base", WINDOWS)
def test_a_plan_holds_what_it_promises(base, shifted):
    for length in range(1, 1101):
        plan = axis_plan(length, base, shifted=shifted)
        assert plan.window == (length if length <= base + base // 8 else base)
        assert plan.block <= plan.window
        assert len(plan.blocks) == len(plan.windows)
        assert list(plan.blocks) == sorted(set(plan.blocks))
        # The blocks leave no token out: each begins where the one before ends, or earlier.
        ends = [0, *(first + plan.block for first in plan.blocks)]
        assert all(first <= end for first, end in zip(plan.blocks, ends, strict=False))
        assert plan.blocks[0] == 0
        assert ends[-1] == length
        for block, window in zip(plan.blocks, plan.windows, strict=True):
            assert 0 <= window <= block
            assert block + plan.block <= window + plan.window <= length
            context = (plan.window - plan.block) // 2
            assert window == 0 or block - window >= context
            after = window + plan.window - block - plan.block
            assert window + plan.window == length or after >= context
        owners = plan.owners()
        for token in range(0, length, 7):
            holding = [i for i, b in enumerate(plan.blocks) if b <= token < b + plan.block]
            assert owners[token] == holding[-1]


@pytest.mark.parametrize(
    ("lengths", "base", "blocks", "windows"),
    [
        ((480, 270), 64, (32, 30), 135),
        ((240, 135), 32, (16, 15), 135),
        ((481, 271), 64, (37, 34), 104),
        ((241, 136), 32, (19, 17), 104),
    ],
)
def test_blocks_leave_little_to_compute_twice(lengths, base, blocks, windows):
    """480x270 tokens are a 4K frame; PadCFG adds one each way, which 32x32 would waste 6 % on."""
    plans = [axis_plan(length, base, shifted=False) for length in lengths]
    assert tuple(plan.block for plan in plans) == blocks
    assert len(plans[0].blocks) * len(plans[1].blocks) == windows


def test_shifted_borders_lie_within_blocks():
    plain, moved = (set(axis_plan(480, 64, shifted=shift).blocks) for shift in (False, True))
    assert plain & moved == {0, 448}  # the last one ends at the frame's edge in both


@BOTH
@pytest.mark.parametrize("grid", [(40, 24), (45, 27), (20, 33), (37, 61)])
def test_equals_dense_attention_under_the_mask(grid, shifted):
    projected = projections(*grid)
    ours = windowed(projected, *grid, 16, shifted=shifted)
    assert (ours - masked(projected, *grid, 16, shifted=shifted)).abs().max() <= 1e-6


def test_windows_are_not_full_attention_on_large_grids():
    projected = projections(45, 27)
    full = dense_attention(*projected, HEAD)
    assert (windowed(projected, 45, 27, 16, shifted=False) - full).abs().max() > 0.01


@pytest.mark.parametrize("keys_at_once", [1, 256, 600, 5000])
def test_groups_of_windows_change_nothing(keys_at_once):
    projected = projections(37, 61)
    whole = windowed(projected, 37, 61, 16, shifted=True)
    parts = windowed(projected, 37, 61, 16, shifted=True, keys_at_once=keys_at_once)
    assert (whole - parts).abs().max() <= 1e-6


def test_two_runs_are_equal_bit_for_bit():
    projected = projections(45, 27)
    first, second = (windowed(projected, 45, 27, 16, shifted=True) for _ in range(2))
    assert torch.equal(first, second)


def layer(window: int | None = 16, *, shifted: bool = False) -> SelfAttention:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return SelfAttention(16, HEAD, window=window, shifted=shifted).eval()


@BOTH
@pytest.mark.parametrize("grid", [(1, 1), (1, 50), (50, 1), (3, 19), (19, 18), (64, 5)])
def test_thin_grids_pass(grid, shifted):
    x = torch.randn(1, *grid, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        output = layer(shifted=shifted)(x)
        full = layer(None)(x)
    assert output.shape == x.shape
    assert torch.equal(output, full) == (max(grid) <= 18)


NETWORK = UNetConfig(
    channels=(8, 16, 16, 16),
    layers=2,
    condition_tokens=2,
    condition_dim=8,
    head_dim=8,
    groups=4,
    in_channels=4,
    out_channels=4,
)


@pytest.fixture(scope="module")
def network() -> UNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return UNet(NETWORK).eval()


def run(network: UNet, grid: tuple[int, int], *, fully: bool) -> Tensor:
    twin = UNet(NETWORK).eval()
    twin.load_state_dict(network.state_dict())
    if fully:
        twin.attend_fully()
    draw = torch.Generator().manual_seed(6)
    tokens = torch.randn(1, 4, *grid, generator=draw)
    with torch.inference_mode():
        return twin(tokens, torch.ones(1, 2, 8))


@pytest.mark.slow
@pytest.mark.parametrize("grid", [(1, 1), (7, 72), (33, 34), (64, 64), (65, 65), (72, 72)])
def test_pictures_of_the_training_size_are_attended_to_in_full(network, grid):
    """512 pixels and the 8 of PadCFG: 65 tokens, then 33, 17, 9."""
    assert torch.equal(run(network, grid, fully=False), run(network, grid, fully=True))


def test_every_small_axis_is_one_window():
    for base in WINDOWS:
        for length in range(1, base + base // 8 + 1):
            assert axis_plan(length, base, shifted=True).blocks == (0,)
        assert len(axis_plan(base + base // 8 + 1, base, shifted=False).blocks) > 1


def test_larger_pictures_are_windowed_unless_asked_not_to(network):
    assert not torch.equal(run(network, (40, 80), fully=False), run(network, (40, 80), fully=True))


@pytest.mark.slow
def test_without_self_attention_a_network_does_what_its_other_layers_do(network):
    """And needs no windows: what lies far away does not matter."""
    silent = copy.deepcopy(network)
    for part in silent.modules():
        if isinstance(part, SelfAttention):
            nn.init.zeros_(part.to_out[0].weight)
            nn.init.zeros_(part.to_out[0].bias)
    without = UNet(replace(NETWORK, self_attention=False)).eval()
    assert not any(isinstance(part, SelfAttention) for part in without.modules())
    left = without.load_state_dict(silent.state_dict(), strict=False)
    assert not left.missing_keys
    assert all("attn1" in key or "norm1" in key for key in left.unexpected_keys)
    tokens, condition = torch.randn(1, 4, 40, 80), torch.ones(1, 2, 8)
    with torch.inference_mode():
        assert torch.equal(without(tokens, condition), silent(tokens, condition))


def test_every_second_layer_of_a_level_is_shifted(network):
    for level in range(3):
        down = network.down_blocks[level].attentions
        up = network.up_blocks[3 - level].attentions
        layers = [part.transformer_blocks[0].attn1 for part in (*down, *up)]
        assert [part.shifted for part in layers] == [False, True, False, True, False]
        assert {part.window for part in layers} == {WINDOWS[level]}
    assert network.mid_block.attentions[0].transformer_blocks[0].attn1.window is None


def test_training_works_after_inference():
    """What inference keeps of the windows must serve a step with gradients."""
    attention = layer()
    x = torch.randn(1, 23, 21, 16)
    with torch.inference_mode():
        attention(x)
    attention(x).square().mean().backward()
    assert attention.to_q.weight.grad.abs().sum() > 0


def texture(height: int, width: int) -> Tensor:
    """(1, height, width, 16) of noise that neighbours share: a border would show as a step."""
    noise = torch.randn(1, 16, height + 2, width + 2, generator=torch.Generator().manual_seed(0))
    return F.layer_norm(F.avg_pool2d(noise, 3, 1).permute(0, 2, 3, 1), (16,))


def two_layers(x: Tensor, window: int | None) -> Tensor:
    """A plain and a shifted layer, as they follow one another in the network."""
    for shifted in (False, True):
        x = x + layer(window, shifted=shifted)(F.layer_norm(x, (16,)))
    return x


def steps(x: Tensor) -> Tensor:
    """(columns - 1,) energy of the steps from column to column."""
    return x.diff(dim=2).square().mean((0, 1, 3))


def seam_ratio(windowed: Tensor, full: Tensor) -> float:
    """Energy at the borders of blocks over that elsewhere, beside the same of full attention."""
    plans = [axis_plan(len(full) + 1, 16, shifted=shifted) for shifted in (False, True)]
    borders = [first - 1 for plan in plans for first in plan.blocks[1:]]
    at = torch.zeros(len(full), dtype=torch.bool)
    at[borders] = True
    ratios = [energy[at].mean() / energy[~at].mean() for energy in (windowed, full)]
    return (ratios[0] / ratios[1]).item()


@pytest.mark.slow
def test_borders_of_blocks_cannot_be_seen():
    x = texture(100, 80)
    with torch.inference_mode():
        ratio = seam_ratio(steps(two_layers(x, 16)), steps(two_layers(x, None)))
    assert ratio == pytest.approx(1, abs=0.02)  # 1.031 without the halo


@pytest.mark.slow
def test_a_pan_shows_no_pattern_that_stands_still():
    """One picture moves through the grid a token a frame: borders would stay where they are."""
    block = axis_plan(80, 16, shifted=False).block
    film = texture(30, 80 + block)
    with torch.inference_mode():
        frames = [film[:, :, place : place + 80] for place in range(1, block + 1)]
        windowed, full = (
            torch.stack([steps(two_layers(frame, window)) for frame in frames]).mean(0)
            for window in (16, None)
        )
    assert seam_ratio(windowed, full) == pytest.approx(1, abs=0.02)  # 1.034 without the halo
