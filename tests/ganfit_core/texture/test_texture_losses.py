import pytest
import torch

from ganfit_core.texture import losses


def linear_critic(norm):
    direction = torch.randn(3, 4, 4, generator=torch.Generator().manual_seed(0))
    direction = direction / direction.norm() * norm
    return lambda images: (images * direction).sum((1, 2, 3))


@pytest.mark.parametrize(("norm", "expected"), [(3.0, 4.0), (1.0, 0.0), (0.5, 0.0)])
def test_gradient_penalty_of_a_linear_critic(norm, expected):
    real, fake = torch.randn(6, 3, 4, 4), torch.randn(6, 3, 4, 4)
    penalty = losses.wgan_gradient_penalty(linear_critic(norm), real, fake, torch.Generator().manual_seed(0))
    assert penalty.item() == pytest.approx(expected, abs=1e-4)


def test_r1_of_a_linear_critic_is_its_squared_norm():
    assert losses.r1_penalty(linear_critic(2.5), torch.randn(4, 3, 4, 4)).item() == pytest.approx(6.25, rel=1e-5)


def test_penalties_are_float32_under_autocast():
    critic = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Tanh())
    images = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(3))
    outside = losses.r1_penalty(critic, images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = losses.r1_penalty(critic, images)
    assert inside.dtype == torch.float32
    assert torch.equal(outside, inside)


def test_adversarial_losses_against_hand_values():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([-1.0, 0.0])
    assert losses.wgan_discriminator_loss(real, fake, 0.1).item() == pytest.approx(-2.5 + 0.5)
    assert losses.wgan_generator_loss(fake).item() == pytest.approx(0.5)
    zero = torch.zeros(3)
    assert losses.nonsaturating_discriminator_loss(zero, zero).item() == pytest.approx(2 * 0.693147, rel=1e-5)
    assert losses.nonsaturating_generator_loss(zero).item() == pytest.approx(0.693147, rel=1e-5)


def test_reconstruction_loss_ignores_pixels_without_weight():
    target = torch.zeros(1, 3, 16, 16)
    output = target.clone()
    output[..., 8:] = 1.0
    weight = torch.ones(1, 1, 16, 16)
    # A constant offset has no differences: only the value term of each scale remains.
    assert losses.reconstruction_loss(target + 0.3, target, weight).item() == pytest.approx(0.3, rel=1e-5)
    weight[..., 8:] = 0.0
    assert losses.reconstruction_loss(output, target, weight).item() == 0.0
