"""Differentiable face crops: a closed-form similarity from landmarks, then bilinear sampling."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample


def five_points(landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 5 2"]:
    """Eye centres, nose tip and mouth corners (image left first) of iBUG 68 landmarks."""
    left_eye = landmarks[:, 36:42].mean(dim=1)
    right_eye = landmarks[:, 42:48].mean(dim=1)
    return torch.stack([left_eye, right_eye, landmarks[:, 30], landmarks[:, 48], landmarks[:, 54]], dim=1)


def similarity(source: Float[Tensor, "#b n 2"], target: Float[Tensor, "#b n 2"]) -> Float[Tensor, "b 2 3"]:
    """Least-squares similarity taking source points to target points (Umeyama, TPAMI 1991, in 2-D).

    Read as complex numbers, target = z * source + t with z = <source, target> / <source, source> on centred
    points: no SVD, hence a smooth gradient. Coincident source points give non-finite results.

    Returns:
        [[a, -b, tx], [b, a, ty]] per batch item; sqrt(a^2 + b^2) is the scale.
    """
    source_mean, target_mean = source.mean(dim=1, keepdim=True), target.mean(dim=1, keepdim=True)
    s, t = source - source_mean, target - target_mean
    energy = (s * s).sum(dim=(1, 2))
    a = (s * t).sum(dim=(1, 2)) / energy
    b = (s[..., 0] * t[..., 1] - s[..., 1] * t[..., 0]).sum(dim=1) / energy
    linear = torch.stack([torch.stack([a, -b], dim=1), torch.stack([b, a], dim=1)], dim=1)
    translation = target_mean.mT - linear @ source_mean.mT
    return torch.cat([linear, translation], dim=2)


def invert_similarity(matrix: Float[Tensor, "b 2 3"]) -> Float[Tensor, "b 2 3"]:
    """Inverse of [sR | t], which is [R^T / s | -R^T t / s]."""
    linear = matrix[:, :, :2].mT / (matrix[:, :, :1] ** 2).sum(dim=1, keepdim=True)
    return torch.cat([linear, -linear @ matrix[:, :, 2:]], dim=2)


def extract_chip(
    images: Float[Tensor, "b c h w"], chip_to_image: Float[Tensor, "b 2 3"], size: int
) -> Float[Tensor, "b c s s"]:
    """Sample a square chip of every image bilinearly, black outside the image.

    A chip that shrinks its image at least twofold reads a box-filtered copy shrunk by a power of two, for
    bilinear interpolation alone would skip pixels.

    Args:
        images: any range.
        chip_to_image: similarity from chip to image pixels, both with pixel centres at half-integers.
        size: side of the chip in pixels.
    """
    centres = torch.arange(size, device=images.device, dtype=images.dtype) + 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    chip_points = torch.stack([x, y, torch.ones_like(x)], dim=-1).view(1, -1, 3)
    points = (chip_points @ chip_to_image.mT).view(-1, size, size, 2)

    octaves = chip_to_image.detach()[:, :, 0].norm(dim=1).log2().floor()
    coarsest = math.floor(math.log2(min(images.shape[-2:])))
    levels = torch.nan_to_num(octaves).clamp(0, coarsest).int().tolist()
    if not any(levels):
        return _sample(images, points, level=0)
    chips: list[Tensor | None] = [None] * len(levels)
    for level in set(levels):
        items = [i for i, item_level in enumerate(levels) if item_level == level]
        for item, chip in zip(items, _sample(images[items], points[items], level), strict=True):
            chips[item] = chip
    return torch.stack([chip for chip in chips if chip is not None])


def _sample(images: Float[Tensor, "b c h w"], points: Float[Tensor, "b s s 2"], level: int) -> Float[Tensor, "b c s s"]:
    factor = 2**level
    if level > 0:
        images = avg_pool2d(images, factor, ceil_mode=True)
    height, width = images.shape[-2:]
    # With align_corners=False [-1, 1] spans the outer edges of the image: half-integer centres exactly.
    grid = points * points.new_tensor([2.0 / (width * factor), 2.0 / (height * factor)]) - 1.0
    return grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
