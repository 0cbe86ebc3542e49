"""Frechet distance between two sets of features (Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule").

Features -> statistics -> distance. With the features of the genuine FID Inception network the distance is the FID;
with another network's it is a number of its own, comparable only with itself.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray


class FrechetWarning(UserWarning):
    """The distance is computed, but too few samples stand behind it."""


@dataclass(frozen=True)
class FeatureStatistics:
    """Count, mean and scatter of features."""

    count: int
    """N, the number of feature vectors."""
    mean: Float64[np.ndarray, " d"]
    scatter: Float64[np.ndarray, "d d"]
    """Sum over the vectors of (x - mean)(x - mean)^T."""

    @classmethod
    def of(cls, features: Float[np.ndarray, "n d"]) -> FeatureStatistics:
        """Statistics of a batch, in float64 whatever the features are in. Raises ValueError for an empty batch."""
        if len(features) == 0:
            raise ValueError("there are no features")
        wide = np.asarray(features, np.float64)
        mean = wide.mean(axis=0)
        centred = wide - mean
        return cls(len(wide), mean, centred.T @ centred)

    @property
    def covariance(self) -> Float64[np.ndarray, "d d"]:
        """Unbiased covariance. Raises ValueError for a single vector, which has none."""
        if self.count < 2:
            raise ValueError("one feature vector has no covariance; at least 2 are needed")
        return self.scatter / (self.count - 1)


def shortage(a: FeatureStatistics, b: FeatureStatistics) -> str | None:
    """Why the distance of these statistics deserves mistrust, or None: fewer samples than two for each feature.

    The bias has no threshold, it only falls with the samples: between equal white Gaussians, with 6 d samples on the
    other side, it is a third of the trace of the covariance at 1.1 d samples, a fifth at 2 d, a tenth at 4 d.
    """
    dim = len(a.mean)
    few = [side.count for side in (a, b) if side.count < 2 * dim]
    if not few:
        return None
    singular = "a singular covariance, and " if min(few) <= dim else ""
    counts = " and ".join(str(count) for count in few)
    return f"{counts} samples for {dim} features are few: {singular}a distance biased upwards"


def frechet_distance(a: FeatureStatistics, b: FeatureStatistics) -> float:
    """|mu_a - mu_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), in squared units of the features.

    With C = F F^T the last trace is the sum of the singular values of F_a^T F_b. No square root of a nearly
    singular product is taken, so the form stays exact where covariances are rank-deficient.

    Warns FrechetWarning where `shortage` finds fault. Raises ValueError for fewer than two vectors on a side or for
    features of different lengths.
    """
    if len(a.mean) != len(b.mean):
        raise ValueError(f"features of {len(a.mean)} and of {len(b.mean)} numbers cannot be compared")
    covariance_a, covariance_b = a.covariance, b.covariance
    if problem := shortage(a, b):
        warnings.warn(problem, FrechetWarning, stacklevel=2)
    overlap = np.linalg.svd(_factor(covariance_a).T @ _factor(covariance_b), compute_uv=False).sum()
    shift = a.mean - b.mean
    distance = shift @ shift + np.trace(covariance_a) + np.trace(covariance_b) - 2 * overlap
    return max(float(distance), 0.0)  # equal statistics may round to a negative zero


def _factor(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """F (d, rank) with F F^T the covariance."""
    values, vectors = np.linalg.eigh(covariance)
    # Below this the eigenvalues of a singular matrix are rounding errors, whose roots would not be small.
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    return vectors[:, kept] * np.sqrt(values[kept])
