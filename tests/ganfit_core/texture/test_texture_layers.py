import math

import pytest
import torch
import torch.nn.functional as F

from ganfit_core.texture.layers import EqualizedConv2d, EqualizedLinear, minibatch_stddev, pixel_norm


def test_pixel_norm_projects_latents_to_the_hypersphere():
    x = torch.randn(5, 64, generator=torch.Generator().manual_seed(0)) * 3
    assert torch.allclose(pixel_norm(x).norm(dim=1), torch.full((5,), 8.0), atol=1e-4)
    assert torch.allclose(pixel_norm(torch.tensor([[3.0, 4.0]])), torch.tensor([[3.0, 4.0]]) / math.sqrt(12.5))


def test_pixel_norm_acts_on_every_pixel_alone():
    x = torch.randn(2, 8, 3, 3, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(pixel_norm(x).square().mean(1), torch.ones(2, 3, 3), atol=1e-4)


def test_equalised_convolution_scales_at_run_time():
    conv = EqualizedConv2d(6, 4, 3)
    x = torch.randn(2, 6, 5, 5)
    expected = F.conv2d(x, conv.weight * math.sqrt(2 / (6 * 9)), padding=1)
    assert torch.allclose(conv(x), expected, atol=1e-5)
    # The parameters themselves stay N(0, 1), which is what equalises Adam's steps.
    assert EqualizedConv2d(64, 64, 3).weight.std().item() == pytest.approx(1.0, abs=0.02)


def test_equalised_linear_keeps_the_variance():
    torch.manual_seed(0)
    y = EqualizedLinear(512, 512, gain=1.0)(torch.randn(256, 512))
    assert y.std().item() == pytest.approx(1.0, abs=0.05)


def test_minibatch_stddev_equals_its_definition():
    x = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    y = minibatch_stddev(x, group=4)
    assert y.shape == (8, 4, 4, 4)
    assert torch.equal(y[:, :3], x)
    # Groups are strided: images 0, 2, 4, 6 and 1, 3, 5, 7.
    for first in (0, 1):
        members = x[first::2]
        expected = members.std(dim=0, unbiased=False).mean()
        assert torch.allclose(y[first::2, 3], expected.expand(4, 4, 4), atol=1e-5)


def test_minibatch_stddev_of_equal_images_is_zero_and_odd_batches_work():
    assert minibatch_stddev(torch.ones(4, 2, 4, 4))[:, 2].abs().max().item() < 1e-3
    assert minibatch_stddev(torch.randn(7, 2, 4, 4)).shape == (7, 3, 4, 4)
