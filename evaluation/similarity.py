"""Similarity transformations of space, and the best one between paired points (Umeyama 1991)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64

_ROUNDING = 1e-14
"""A singular value of the covariance below this fraction of the squared coordinates counts as none."""


class DegenerateError(ValueError):
    """The points do not determine a transformation."""


@dataclass(frozen=True, eq=False)
class Similarity:
    """x -> scale * rotation x + translation.

    Attributes:
        scale: positive, without unit.
        rotation: (3, 3) float64, of determinant 1.
        translation: (3,) float64, millimetres.
    """

    scale: float
    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, "3"]

    @classmethod
    def identity(cls) -> Similarity:
        """The transformation that moves nothing."""
        return cls(1.0, np.eye(3), np.zeros(3))

    def apply(self, points: Float[np.ndarray, "*n 3"]) -> Float64[np.ndarray, "*n 3"]:
        """The transformed points, in float64 whatever they were in."""
        return self.scale * (np.asarray(points, np.float64) @ self.rotation.T) + self.translation

    def then(self, other: Similarity) -> Similarity:
        """This transformation followed by the other: `a.then(b).apply(x)` is `b.apply(a.apply(x))`."""
        return Similarity(
            other.scale * self.scale,
            other.rotation @ self.rotation,
            other.apply(self.translation),
        )

    def inverse(self) -> Similarity:
        """The transformation that undoes this one."""
        back = self.rotation.T / self.scale
        return Similarity(1 / self.scale, self.rotation.T, -back @ self.translation)


def procrustes(
    source: Float[np.ndarray, "n 3"],
    target: Float[np.ndarray, "n 3"],
    with_scale: bool,
    weights: Float[np.ndarray, " n"] | None = None,
) -> Similarity:
    """The similarity T that minimises sum_i w_i |T(source_i) - target_i|^2, reflections excluded.

    Umeyama 1991, "Least-squares estimation of transformation parameters between two point patterns", Eq. 40-43, with
    weights. Without scale it is 1, and the rotation is the same: Kabsch's. Points of a plane are enough.

    Raises:
        DegenerateError: fewer than three pairs count, or the points of a side lie on a line or in one place.
        ValueError: shapes differ, a number is not finite, or a weight is negative.
    """
    x, y = np.asarray(source, np.float64), np.asarray(target, np.float64)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    if x.shape != y.shape or x.ndim != 2 or x.shape[1] != 3 or w.shape != (len(x),):
        raise ValueError(f"shapes differ or are no points: {x.shape}, {y.shape}, weights {w.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all() and np.isfinite(w).all()) or (w < 0).any():
        raise ValueError("points and weights must be finite, weights not negative")
    if np.count_nonzero(w) < 3:
        raise DegenerateError(f"{np.count_nonzero(w)} pairs of points determine no transformation; 3 are needed")
    w = w / w.sum()
    rounding = _ROUNDING * np.abs(x).max() * np.abs(y).max()
    mean_x, mean_y = w @ x, w @ y
    x, y = x - mean_x, y - mean_y
    left, singular, right = np.linalg.svd((w[:, None] * y).T @ x)
    if singular[1] <= rounding:
        raise DegenerateError("the points lie on a line or in one place, and determine no rotation")
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    rotation = left @ (signs[:, None] * right)
    scale = float(singular @ signs / (w @ (x**2).sum(axis=1))) if with_scale else 1.0
    return Similarity(scale, rotation, mean_y - scale * rotation @ mean_x)
