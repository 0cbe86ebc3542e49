"""Smooth curves through a few points."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline


def smooth(points: ArrayLike, n: int = 40) -> Float64[np.ndarray, "n 2"]:
    """`n` points along a natural cubic spline through points (k, 2), each apart from the one before it."""
    through = np.asarray(points, np.float64)
    steps = np.linalg.norm(np.diff(through, axis=0), axis=1)
    at = np.concatenate([[0.0], np.cumsum(np.maximum(steps, 1e-6))])
    return CubicSpline(at, through, bc_type="natural")(np.linspace(0, at[-1], n))


def ribbon(curve: Float[np.ndarray, "*b n 2"], radius: Float[np.ndarray, "*b n"]) -> Float64[np.ndarray, "*b m 2"]:
    """Outline of what lies within `radius` to either side of a curve, first one side, then the other back."""
    along = np.gradient(curve, axis=-2)
    length = np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-12)
    aside = np.stack([-along[..., 1], along[..., 0]], axis=-1) / length * radius[..., None]
    return np.concatenate([curve + aside, (curve - aside)[..., ::-1, :]], axis=-2)


def bezier(a: ArrayLike, b: ArrayLike, c: ArrayLike, d: ArrayLike, n: int) -> Float64[np.ndarray, "k n 2"]:
    """`n` points along each cubic Bézier curve from `a` to `d`, (k, 2) all."""
    t = np.linspace(0, 1, n)[:, None]
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    return np.sum([w * np.asarray(point)[:, None, :] for w, point in zip(weights, (a, b, c, d), strict=True)], axis=0)
