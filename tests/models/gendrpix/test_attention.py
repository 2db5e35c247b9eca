import pytest
import torch
from torch.nn.attention import sdpa_kernel

from vs_gendrpix.models.gendrpix.attention import FeedForward
from vs_gendrpix.models.gendrpix.restorer import ATTENTION
from vs_gendrpix.models.gendrpix.unet import UNet


def feed_forward() -> FeedForward:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return FeedForward(16)


@pytest.mark.parametrize("shape", [(1, 7, 9, 16), (2, 5, 5, 16)])
def test_few_tokens_at_a_time_give_the_same(shape):
    layer, x = feed_forward(), torch.randn(shape, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        whole = layer(x)
        layer.tokens_at_once = 10
        parts = layer(x)
    torch.testing.assert_close(parts, whole, atol=1e-6, rtol=0)


def test_few_tokens_at_a_time_hold_less():
    """The widest values are those of the tokens at hand only."""
    layer, widest = feed_forward(), []
    layer.net[0].proj.register_forward_hook(lambda *args: widest.append(args[-1].numel()))
    layer.tokens_at_once = 10
    with torch.inference_mode():
        layer(torch.randn(1, 8, 8, 16))
    assert max(widest) == 10 * 8 * 16
    assert sum(widest) == 64 * 8 * 16


def test_a_step_with_gradients_is_whole():
    layer, x = feed_forward(), torch.randn(1, 8, 8, 16)
    layer.tokens_at_once = 10
    layer(x).sum().backward()
    assert layer.net[2].weight.grad.abs().sum() > 0


def test_the_kernels_of_cuda_are_known_to_torch_and_give_the_same():
    query = torch.randn(1, 2, 30, 8, generator=torch.Generator().manual_seed(0))
    attend = torch.nn.functional.scaled_dot_product_attention
    plain = attend(query, query, query)
    with sdpa_kernel(ATTENTION, set_priority=True):
        listed = attend(query, query, query)
    assert ATTENTION[0].name == "CUDNN_ATTENTION"
    torch.testing.assert_close(listed, plain, atol=1e-6, rtol=0)


def test_work_is_bounded_everywhere(small_network):
    twin = UNet(small_network.unet.config)
    twin.work_on(5)
    bounded = [p.tokens_at_once for p in twin.modules() if isinstance(p, FeedForward)]
    assert bounded == [5]
