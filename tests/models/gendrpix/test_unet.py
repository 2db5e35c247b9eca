import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from vs_gendrpix.errors import ModelError
from vs_gendrpix.models.gendrpix.layers import ResBlock
from vs_gendrpix.models.gendrpix.unet import FULL, TINY, UNet, UNetConfig, timestep_embedding

NARROW = UNetConfig(
    channels=(32, 64, 128, 128),
    condition_tokens=7,
    condition_dim=24,
    head_dim=16,
    groups=8,
    in_channels=48,
    out_channels=32,
)


def meta(config: UNetConfig) -> UNet:
    with torch.device("meta"):
        return UNet(config)


def multiplications(network: UNet, grid: tuple[int, int]) -> int:
    """Multiply-adds of the convolutions and linear layers, as the field's hook counters report."""
    total = 0

    def count(layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> None:
        nonlocal total
        if isinstance(layer, nn.Conv2d):
            total += output.numel() * layer.weight[0].numel()
        elif isinstance(layer, nn.Linear):
            total += output.numel() * layer.in_features

    hooks = [module.register_forward_hook(count) for module in network.modules()]
    config = network.config
    network(
        torch.empty(1, config.in_channels, *grid, device="meta"),
        torch.empty(1, config.condition_tokens, config.condition_dim, device="meta"),
    )
    for hook in hooks:
        hook.remove()
    return total


def test_full_has_the_papers_parameters_and_tensors():
    network = meta(FULL)
    assert sum(weight.numel() for weight in network.parameters()) == 866_993_792
    assert len(network.state_dict()) == 686


@pytest.mark.slow
@pytest.mark.parametrize(("grid", "giga"), [((64, 64), 343.54), ((65, 65), 371.63)])
def test_full_has_the_papers_multiplications(grid, giga):
    assert multiplications(meta(FULL), grid) / 1e9 == pytest.approx(giga, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("grid", "full", "windowed"),
    [((64, 64), 406.6, 406.6), ((270, 480), 72_220.8, 13_000)],
)
def test_windows_save_most_of_a_4k_frame(grid, full, windowed):
    """Attention's products included. At 512 pixels there is nothing to save."""
    network = meta(FULL).requires_grad_(requires_grad=False)
    for most, fully in ((windowed, False), (full, True)):
        if fully:
            network.attend_fully()
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network(
                torch.empty(1, 192, *grid, device="meta"),
                torch.empty(1, 77, 1024, device="meta"),
            )
        giga = counter.get_total_flops() / 2e9
        assert giga == pytest.approx(most, abs=0.1 if fully else 20)


def test_full_has_heads_of_64():
    attention = meta(FULL).down_blocks[0].attentions[0].transformer_blocks[0].attn1
    assert attention.to_q.out_features // attention.head_dim == 5


@pytest.mark.slow
@pytest.mark.parametrize("grid", [(65, 65), (271, 481)])
def test_full_runs_on_odd_grids(grid):
    condition = torch.empty(1, 77, 1024, device="meta")
    output = meta(FULL)(torch.empty(1, 192, *grid, device="meta"), condition)
    assert output.shape == (1, 192, *grid)


@pytest.mark.parametrize(("groups", "same"), [(0, True), (4, False)])
def test_without_groups_a_place_does_not_depend_on_the_rest_of_the_picture(groups, same):
    torch.manual_seed(1)
    block = ResBlock(8, 8, groups=groups).requires_grad_(requires_grad=False)
    calm = torch.randn(1, 8, 12, 40) * 0.1
    busy = calm.clone()
    busy[..., 20:] *= 30
    assert torch.allclose(block(calm)[..., :15], block(busy)[..., :15], atol=1e-6) == same


def test_tiny_is_tiny():
    assert sum(weight.numel() for weight in meta(TINY).parameters()) <= 10_000_000


@pytest.mark.slow
@pytest.mark.parametrize("grid", [(16, 16), (13, 17), (1, 9)])
def test_equals_diffusers(grid):
    diffusers = pytest.importorskip("diffusers")
    reference = diffusers.UNet2DConditionModel(
        in_channels=NARROW.in_channels,
        out_channels=NARROW.out_channels,
        block_out_channels=NARROW.channels,
        layers_per_block=NARROW.layers,
        cross_attention_dim=NARROW.condition_dim,
        # The number of heads, in spite of its name.
        attention_head_dim=tuple(width // NARROW.head_dim for width in NARROW.channels),
        norm_num_groups=NARROW.groups,
        use_linear_projection=True,
    ).eval()
    network = UNet(NARROW).eval()
    network.load_state_dict(reference.state_dict())
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randn(2, NARROW.in_channels, *grid, generator=generator)
    condition = torch.randn(2, 7, NARROW.condition_dim, generator=generator)
    with torch.no_grad():
        theirs = reference(tokens, NARROW.timestep, condition).sample
        ours = network(tokens, condition)
    assert theirs.std() > 0.05
    assert (ours - theirs).abs().max() <= 1e-5


def test_layers_that_are_computed_again_give_the_same_gradients():
    """And less is kept for them."""
    torch.manual_seed(4)
    network = UNet(NARROW).train()
    tokens = torch.randn(1, NARROW.in_channels, 16, 16)
    condition = torch.randn(1, 7, NARROW.condition_dim, requires_grad=True)
    kept, gradients = [], []
    for _ in range(2):
        sizes: list[int] = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda kept, sizes=sizes: (sizes.append(kept.numel()), kept)[1], lambda kept: kept
        ):
            network(tokens, condition).square().mean().backward()
        kept.append(sum(sizes))
        gradients.append([condition.grad, *(weight.grad for weight in network.parameters())])
        network.zero_grad()
        condition.grad = None
        network.recompute()
    assert kept[1] < kept[0] / 2
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


def test_timestep_embedding_starts_with_cosines():
    embedding = timestep_embedding(0, 8)
    assert embedding.tolist() == [[1, 1, 1, 1, 0, 0, 0, 0]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"channels": (30, 64, 128, 128)},
        {"channels": (32, 40, 128, 128)},
        {"channels": ()},
        {"attention": (True,)},
        {"layers": 0},
        {"layers": 1000},
        {"groups": -1},
        {"condition_tokens": 0},
    ],
)
def test_impossible_configurations_are_refused(wrong):
    values = {"channels": (32, 64, 128, 128), "groups": 8, "head_dim": 16} | wrong
    with pytest.raises(ModelError):
        UNetConfig(**values)
