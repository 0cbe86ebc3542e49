"""How near one picture is to another, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float


def psnr(
    image: Float[np.ndarray, "h w c"],
    reference: Float[np.ndarray, "h w c"],
    weight: Float[np.ndarray, "h w"] | None = None,
    peak: float = 1.0,
) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(peak^2 / MSE).

    `weight` says how much each pixel counts in the mean (a mask, for instance); all the same unless given. Equal
    pictures have infinity.

    Raises:
        ValueError: shapes differ, or the weights are negative or add up to nothing.
    """
    if weight is None:
        weight = np.ones(reference.shape[:2])
    if image.shape != reference.shape or weight.shape != reference.shape[:2]:
        raise ValueError(f"shapes differ: {image.shape}, {reference.shape}, weights {weight.shape}")
    if (weight < 0).any() or not weight.sum() > 0:
        raise ValueError("weights must be positive somewhere and negative nowhere")
    error = np.square(image.astype(np.float64) - reference).mean(axis=2)
    mean = float((weight * error).sum(dtype=np.float64) / weight.sum(dtype=np.float64))
    return 10 * math.log10(peak**2 / mean) if mean else math.inf
