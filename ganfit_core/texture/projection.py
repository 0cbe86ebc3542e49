"""Finds the latent whose texture is nearest to a given UV map.

Fast-GANFIT, Section 3.1: min over p_t of |G(p_t) - I_uv|.

The map may be partial: a weight says which texels count. It may be lit, too: then the comparison is free of one gain
per image and colour channel, because a photograph's exposure and white balance say nothing about which texture it is.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Model = Callable[[Tensor], Tensor]
Measure = Callable[[Tensor, Tensor, Tensor], Tensor]
_CHUNK = 16


def absolute_error(
    textures: Float[Tensor, "b 3 r r"], target: Float[Tensor, "b 3 r r"], weight: Float[Tensor, "b 1 r r"]
) -> Float[Tensor, " b"]:
    """Weighted mean |texture - target| of each map."""
    error = (textures - target).abs() * weight
    return error.sum(dim=(1, 2, 3)) / (3 * weight.sum(dim=(1, 2, 3))).clamp_min(1e-6)


def distance(
    textures: Float[Tensor, "b 3 r r"], target: Float[Tensor, "b 3 r r"], weight: Float[Tensor, "b 1 r r"]
) -> Float[Tensor, " b"]:
    """Weighted mean |gain * texture - target|, with the gain per channel that fits best in the least-squares sense."""
    over = (2, 3)
    gain = (weight * textures * target).sum(dim=over) / (weight * textures.square()).sum(dim=over).clamp_min(1e-6)
    return absolute_error(gain[..., None, None] * textures, target, weight)


@torch.no_grad()
def nearest(
    model: Model,
    candidates: Float[Tensor, "k d"],
    target: Float[Tensor, "b 3 r r"],
    weight: Float[Tensor, "b 1 r r"],
    measure: Measure = distance,
) -> Float[Tensor, "b d"]:
    """For each map, the candidate latent whose texture is nearest to it."""
    errors = []
    for chunk in candidates.split(_CHUNK):
        for texture in model(chunk):
            errors.append(measure(texture.expand_as(target), target, weight))
    return candidates[torch.stack(errors).argmin(dim=0)]


def project(
    model: Model,
    start: Float[Tensor, "b d"],
    target: Float[Tensor, "b 3 r r"],
    weight: Float[Tensor, "b 1 r r"],
    iterations: int,
    learning_rate: float = 0.05,
    measure: Measure = distance,
) -> Float[Tensor, "b d"]:
    """Descends from `start` with Adam; all maps of the batch at once, each on its own."""
    latent = start.detach().clone().requires_grad_()
    optimiser = torch.optim.Adam([latent], lr=learning_rate, betas=(0.9, 0.99))
    for _ in range(iterations):
        optimiser.zero_grad()
        measure(model(latent), target, weight).sum().backward()
        optimiser.step()
    return latent.detach()
