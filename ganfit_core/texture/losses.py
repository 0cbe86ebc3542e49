"""Losses and penalties of the texture GAN and of the VAE, images in [-1, 1]."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


def _image_gradients(critic: Critic, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    # Autocast is off: a penalty on gradients rounded to 8 bits of mantissa is noise.
    with torch.autocast(images.device.type, enabled=False):
        images = images.detach().float().requires_grad_(True)
        (gradients,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    return gradients


def wgan_gradient_penalty(
    critic: Critic,
    real: Float[Tensor, "b c h w"],
    fake: Float[Tensor, "b c h w"],
    generator: torch.Generator,
) -> Float[Tensor, ""]:
    """E[max(0, |grad D(x^)| - 1)^2] at random points between real and fake images, in float32.

    Gulrajani et al. 2017, Eq. 3, with the one-sided target of its Sec. 4. `generator` lives on the CPU.
    """
    mix = torch.rand(len(real), 1, 1, 1, generator=generator).to(real.device)
    gradients = _image_gradients(critic, torch.lerp(real.float(), fake.detach().float(), mix))
    norms = (gradients.flatten(1).square().sum(1) + 1e-12).sqrt()
    return (norms - 1.0).clamp_min(0.0).square().mean()


def r1_penalty(critic: Critic, real: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """E|grad D(x)|^2 on real images, in float32 (Mescheder et al. 2018, Eq. 9, without gamma/2)."""
    return _image_gradients(critic, real).flatten(1).square().sum(1).mean()


def wgan_discriminator_loss(
    real_scores: Float[Tensor, " b"], fake_scores: Float[Tensor, " b"], drift: float
) -> Float[Tensor, ""]:
    """E[D(fake)] - E[D(real)] + drift E[D(real)^2] (Karras et al. 2018, App. A.1), without the penalty."""
    return fake_scores.mean() - real_scores.mean() + drift * real_scores.square().mean()


def wgan_generator_loss(fake_scores: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """-E[D(fake)]."""
    return -fake_scores.mean()


def nonsaturating_discriminator_loss(
    real_scores: Float[Tensor, " b"], fake_scores: Float[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Cross-entropy of a real/fake classifier (Goodfellow et al. 2014, Eq. 1)."""
    return F.softplus(-real_scores).mean() + F.softplus(fake_scores).mean()


def nonsaturating_generator_loss(fake_scores: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """-E[log sigmoid(D(fake))] (Goodfellow et al. 2014, Sec. 3)."""
    return F.softplus(-fake_scores).mean()


def reconstruction_loss(
    output: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    weight: Float[Tensor, "1 1 h w"],
    scales: int = 3,
) -> Float[Tensor, ""]:
    """Weighted L1 of values and of horizontal and vertical differences, averaged over `scales` octaves."""
    total = output.new_zeros(())
    for scale in range(scales):
        error = (output - target) * weight
        total = total + error.abs().mean()
        total = total + error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
        if scale + 1 < scales:
            output, target, weight = (F.avg_pool2d(x, 2) for x in (output, target, weight))
    return total / scales


class Evidence(NamedTuple):
    """The negative evidence lower bound of a VAE, and its parts."""

    loss: Float[Tensor, ""]
    """Nats per observed number, up to a constant."""
    deviation: Float[Tensor, ""]
    """Standard deviation sigma of the observation model."""
    divergence: Float[Tensor, ""]
    """KL(q(z | x) || N(0, I)), nats per map."""


def gaussian_evidence(
    output: Float[Tensor, "b c h w"],
    target: Float[Tensor, "b c h w"],
    weight: Float[Tensor, "1 1 h w"],
    mean: Float[Tensor, "b d"],
    log_variance: Float[Tensor, "b d"],
) -> Evidence:
    """Negative ELBO (Kingma & Welling 2014, Eq. 10) of a Gaussian observation model whose one variance is the best one.

    That variance is the mean squared error of the batch, which leaves ln sigma per number as the reconstruction term
    and no weight between it and the KL divergence to be chosen (Rybkin et al. 2021, "Simple and Effective VAE Training
    with Calibrated Decoders", Sec. 4.2). A texel of weight w counts as w observations.
    """
    numbers = output.shape[1] * weight.sum()
    error = ((output - target).square() * weight).sum(dim=(1, 2, 3)).mean() / numbers
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1).mean()
    deviation = error.sqrt()
    return Evidence(deviation.log() + divergence / numbers, deviation, divergence)
