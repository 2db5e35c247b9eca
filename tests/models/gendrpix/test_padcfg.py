import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from vs_gendrpix.models.gendrpix.padcfg import PadCFG, Padding, crop, pad, pad_plan

POSITIVE, NEGATIVE = torch.ones(2, 3), -torch.ones(2, 3)


def picture(height: int, width: int) -> torch.Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


class Recorder:
    """A generator that returns its input shifted by the condition, and keeps what it saw."""

    def __init__(self):
        self.images, self.conditions = [], []

    def __call__(self, image, condition):
        self.images.append(image)
        self.conditions.append(condition)
        return image + condition[:, :1, :1, None]


def restore(image, guidance, seed=0):
    recorder = Recorder()
    plan = pad_plan(seed)
    output = PadCFG(recorder, POSITIVE, NEGATIVE, plan=plan, guidance=guidance)(image)
    return recorder, output


def test_seed_0_is_the_papers_plan():
    plan = pad_plan(0)
    assert plan.positive == Padding(top=4, left=4)
    assert plan.negative == Padding(top=3, left=3)


@given(st.integers(0, 10_000))
def test_a_seed_gives_one_plan_of_two_different_paddings(seed):
    plan = pad_plan(seed)
    assert plan == pad_plan(seed)
    assert plan.positive != plan.negative
    for padding in (plan.positive, plan.negative):
        assert 0 <= padding.top < 8
        assert 0 <= padding.left < 8


def test_the_papers_paddings_are_reflections_of_4_4_and_3_5():
    image = picture(16, 24)
    assert torch.equal(pad(image, pad_plan(0).positive), F.pad(image, (4,) * 4, mode="reflect"))
    expected = F.pad(image, (3, 5, 3, 5), mode="reflect")
    assert torch.equal(pad(image, pad_plan(0).negative), expected)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    top=st.integers(0, 7),
    left=st.integers(0, 7),
)
def test_crop_undoes_pad_at_every_size(height, width, top, left):
    image, padding = picture(height, width), Padding(top=top, left=left)
    padded = pad(image, padding)
    assert padded.shape[-2] == 8 + (height + 7) // 8 * 8
    assert padded.shape[-1] == 8 + (width + 7) // 8 * 8
    assert torch.equal(crop(padded, padding, (height, width)), image)


def test_guidance_1_is_one_pass_of_the_positive_branch():
    image = picture(16, 20)
    recorder, output = restore(image, 1)
    assert len(recorder.images) == 1
    assert recorder.images[0].shape[0] == 1
    assert torch.equal(output, image + 1)


@pytest.mark.parametrize("guidance", [0, 0.5, 1.2, 3])
def test_guidance_mixes_the_branches(guidance):
    image = picture(9, 20)
    recorder, output = restore(image, guidance)
    # The pair is one batch, the positive branch first.
    assert [seen.shape[0] for seen in recorder.images] == [2]
    assert recorder.conditions[0][:, 0, 0].tolist() == [1, -1]
    expected = guidance * (image + 1) + (1 - guidance) * (image - 1)
    assert torch.allclose(output, expected, atol=1e-6)


def test_the_branches_see_lattices_a_pixel_apart():
    image = picture(32, 32)
    recorder, _ = restore(image, 1.5)
    positive, negative = recorder.images[0]
    assert torch.equal(positive[:, 4:36, 4:36], image[0])
    assert torch.equal(negative[:, 3:35, 3:35], image[0])


def test_guidance_equals_its_branches_on_a_network(small_network):
    plan = pad_plan(7)
    image = picture(30, 50)

    def run(guidance):
        positive, negative = small_network.positive, small_network.negative
        return PadCFG(small_network, positive, negative, plan=plan, guidance=guidance)(image)

    expected = 1.5 * run(1) - 0.5 * run(0)
    assert torch.allclose(run(1.5), expected, atol=1e-5)


def test_one_branch_at_a_time_gives_the_same(small_network):
    guided = PadCFG(
        small_network,
        small_network.positive,
        small_network.negative,
        plan=pad_plan(0),
        guidance=1.4,
    )
    image, seen = picture(30, 50), []
    small_network.unet.conv_in.register_forward_pre_hook(lambda _, args: seen.append(len(args[0])))
    paired, apart = guided(image), guided(image, paired=False)
    assert seen == [2, 1, 1]
    torch.testing.assert_close(apart, paired, atol=1e-5, rtol=0)
