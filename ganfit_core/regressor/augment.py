"""Changes of the training crops: what the network must see through, and what it must be compared with.

Mirroring, moving and other colours make another photograph of the same kind: target and input share them. Blur,
occlusion and noisy landmarks spoil the input alone, so that the network learns to answer as if it saw the face
unspoilt.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from ganfit_core.regressor.crops import CropBatch

# Left and right of the iBUG 68 points exchanged.
MIRRORED_68 = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65),
)
_SCALE, _SHIFT, _ROLL = 0.08, 0.03, 6.0
"""Largest change of scale (share), of position (share of the side), and roll (degrees)."""
_GAIN, _GAMMA, _GREY = 0.15, 0.2, 0.05
"""Largest change of each channel's gain and of the exponent; share of the photographs that lose their colours."""
_BLURRED, _OCCLUDED = 0.3, 0.3
"""Shares of the inputs that are blurred, partly hidden."""
_BOX = (0.15, 0.45)
"""Sides of what hides a face, share of the image's."""
_POINT_NOISE = 0.004
"""Standard deviation of the landmarks' common and own errors, share of the side."""


class Sample(NamedTuple):
    """What the network sees, and what its answer is compared with; sides as of the renderings."""

    photo: Float[Tensor, "b 3 s s"]
    landmarks: Float[Tensor, "b 68 2"]
    target: CropBatch


def moved(
    batch: CropBatch, flips: Bool[Tensor, " b"], size: int, amount: float, generator: torch.Generator
) -> CropBatch:
    """Crops of side `size`, mirrored where `flips`, and moved, turned and scaled by up to `amount` times the limits."""
    n, side = len(batch.photo), batch.photo.shape[-1]
    draw = 2 * torch.rand(4, n, generator=generator) - 1
    scale = torch.exp(draw[0] * math.log1p(_SCALE) * amount)
    roll = draw[1] * math.radians(_ROLL) * amount
    mirror = torch.where(flips, -1.0, 1.0)
    # Output coordinates in [-1, 1] to input coordinates: what grid_sample asks for.
    cosine, sine = scale * roll.cos(), scale * roll.sin()
    linear = torch.stack([torch.stack([mirror * cosine, -mirror * sine], 1), torch.stack([sine, cosine], 1)], 1)
    offset = 2 * _SHIFT * amount * draw[2:].T
    matrix = torch.cat([linear, offset[:, :, None]], dim=2)
    grid = functional.affine_grid(matrix, [n, 3, size, size], align_corners=False)
    photo = functional.grid_sample(batch.photo, grid, padding_mode="border", align_corners=False)
    inside = functional.grid_sample(batch.inside, grid, padding_mode="zeros", align_corners=False)
    points = 2 * batch.landmarks / side - 1
    points = torch.linalg.solve(linear, (points - offset[:, None]).transpose(1, 2)).transpose(1, 2)
    points = torch.where(flips[:, None, None], points[:, list(MIRRORED_68)], points)
    return CropBatch(photo, (points + 1) * (size / 2), (inside > 0.99).float())


def recoloured(batch: CropBatch, generator: torch.Generator) -> CropBatch:
    """The photographs with another exposure, contrast and white balance, some without colours."""
    n = len(batch.photo)
    grey = torch.rand(n, 1, 1, 1, generator=generator) < _GREY
    gain = 1 + _GAIN * (2 * torch.rand(n, 3, 1, 1, generator=generator) - 1)
    exponent = 1 + _GAMMA * (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1)
    x = (batch.photo.clamp(0, 1) ** exponent * gain).clamp(0, 1)
    return batch._replace(photo=torch.where(grey, x.mean(dim=1, keepdim=True), x))


def spoilt(target: CropBatch, generator: torch.Generator) -> Sample:
    """The target with blur, something before the face, and landmarks a little off."""
    n, side = len(target.photo), target.photo.shape[-1]

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    def some(share: float) -> Tensor:
        return (uniform(n) < share)[:, None, None, None]

    x = target.photo
    small = functional.interpolate(x, scale_factor=0.4, mode="area")
    blurred = functional.interpolate(small, (side, side), mode="bilinear", align_corners=False)
    x = torch.where(some(_BLURRED), blurred, x)
    low, high = _BOX
    extent = low + (high - low) * uniform(n, 2)
    start = uniform(n, 2) * (1 - extent)
    at = (torch.arange(side) + 0.5) / side
    across = (at >= start[:, :1]) & (at < (start + extent)[:, :1])
    down = (at >= start[:, 1:]) & (at < (start + extent)[:, 1:])
    box = (down[:, :, None] & across[:, None, :])[:, None]
    x = torch.where(box & some(_OCCLUDED), uniform(n, 3, 1, 1), x)
    noise = torch.randn(n, 68, 2, generator=generator) + torch.randn(n, 1, 2, generator=generator)
    return Sample(x, target.landmarks + _POINT_NOISE * side * noise, target)
