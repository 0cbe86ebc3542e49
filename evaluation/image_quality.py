"""How near one picture is to another, pixel by pixel."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

SSIM_SIGMA = 1.5
SSIM_RADIUS = 5
"""Of the Gaussian window of 11 by 11 pixels."""


def psnr(
    image: Float[np.ndarray, "h w c"],
    reference: Float[np.ndarray, "h w c"],
    weight: Shaped[np.ndarray, "h w"] | None = None,
    peak: float = 1.0,
) -> float:
    """Peak signal-to-noise ratio in dB: 10 log10(peak^2 / MSE).

    `weight` says how much each pixel counts in the mean (a mask, for instance); all the same unless given. Equal
    pictures have infinity.

    Raises:
        ValueError: shapes differ, or the weights are negative or add up to nothing.
    """
    weight = _checked_weight(image, reference, weight)
    mean = _mean(np.square(image.astype(np.float64) - reference), weight)
    return 10 * math.log10(peak**2 / mean) if mean else math.inf


def mae(
    image: Float[np.ndarray, "h w c"],
    reference: Float[np.ndarray, "h w c"],
    weight: Shaped[np.ndarray, "h w"] | None = None,
) -> float:
    """Mean absolute difference over pixels and channels, in the unit of the pictures; weights and errors as `psnr`."""
    weight = _checked_weight(image, reference, weight)
    return _mean(np.abs(image.astype(np.float64) - reference), weight)


def ssim(
    image: Float[np.ndarray, "h w c"],
    reference: Float[np.ndarray, "h w c"],
    mask: Shaped[np.ndarray, "h w"] | None = None,
) -> float:
    """Structural similarity of pictures with colours in [0, 1], the mean over pixels and channels.

    Wang et al. 2004, "Image quality assessment", Eq. 13: means, variances and covariance under a Gaussian window of
    11 by 11 pixels (sigma 1.5), K1 = 0.01, K2 = 0.03, each channel for itself. `mask` says how much each pixel counts,
    windows then reach beyond it, and over the picture's border into its mirror image; without one, the pixels count
    whose window lies within the picture, as in Wang et al.

    Raises:
        ValueError: shapes differ, the pictures are smaller than the window, or the weights are negative or add up to
            nothing.
    """
    weight = _checked_weight(image, reference, mask)
    if min(weight.shape) <= 2 * SSIM_RADIUS:
        raise ValueError(f"pictures of {weight.shape} are smaller than the window of {2 * SSIM_RADIUS + 1} pixels")
    x, y = image.astype(np.float64), reference.astype(np.float64)
    mean_x, mean_y = _blurred(x), _blurred(y)
    variance_x, variance_y = _blurred(x * x) - mean_x**2, _blurred(y * y) - mean_y**2
    covariance = _blurred(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    similarity = numerator / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))
    inner = slice(None) if mask is not None else slice(SSIM_RADIUS, -SSIM_RADIUS)
    return _mean(similarity[inner, inner], weight[inner, inner])


def _checked_weight(
    image: NDArray[np.floating], reference: NDArray[np.floating], weight: NDArray[np.generic] | None
) -> NDArray[np.float64]:
    w = np.ones(reference.shape[:2]) if weight is None else weight.astype(np.float64)
    if image.shape != reference.shape or w.shape != reference.shape[:2]:
        raise ValueError(f"shapes differ: {image.shape}, {reference.shape}, weights {w.shape}")
    if (w < 0).any() or not w.sum() > 0:
        raise ValueError("weights must be positive somewhere and negative nowhere")
    return w


def _mean(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    """Weighted mean over pixels of the mean over channels."""
    return float((weight * values.mean(axis=2)).sum() / weight.sum())


def _blurred(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    return gaussian_filter(picture, (SSIM_SIGMA, SSIM_SIGMA, 0), mode="reflect", radius=(SSIM_RADIUS, SSIM_RADIUS, 0))
