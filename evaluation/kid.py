"""Kernel Inception Distance: the unbiased MMD^2 between features under a cubic kernel (Binkowski et al. 2018).

"Demystifying MMD GANs", Section 4. Unlike the Frechet distance it has no bias that depends on the number of samples,
which makes it the measure to trust where there are few.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.stats import t

SUBSETS = 10
CONFIDENCE = 0.95


class KernelDistance(NamedTuple):
    """MMD^2 with its confidence interval; it may be negative where the two distributions are the same."""

    mean: float
    low: float
    high: float


def polynomial_mmd2(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> float:
    """Unbiased estimate of MMD^2 with k(x, y) = (x^T y / d + 1)^3 (Binkowski et al. 2018, Eq. 4).

    Raises ValueError for fewer than two vectors on a side.
    """
    if min(len(x), len(y)) < 2:
        raise ValueError("the unbiased estimate needs at least two feature vectors on each side")
    wide_x, wide_y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    within = _within(_kernel(wide_x, wide_x)) + _within(_kernel(wide_y, wide_y))
    return within - 2 * float(_kernel(wide_x, wide_y).mean())


def kernel_distance(
    generated: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"], seed: int
) -> KernelDistance:
    """Mean MMD^2 over disjoint random subsets, with its 95 % confidence interval from Student's t.

    Disjoint subsets make independent estimates, so that their spread gives an interval that holds (the B-test of
    Zaremba et al. 2013); the customary overlapping subsets understate it. That is so for vectors that are independent;
    where several are of one person, they fall into different subsets and the interval is a little too narrow. `seed`
    chooses the subsets.

    Raises ValueError if a side has fewer than two vectors for each of the SUBSETS subsets.
    """
    smaller = min(len(generated), len(reference))
    if smaller < 2 * SUBSETS:
        raise ValueError(f"{smaller} samples are too few for {SUBSETS} subsets; at least {2 * SUBSETS} are needed")
    random = np.random.default_rng(seed)
    parts = [np.array_split(random.permutation(len(side)), SUBSETS) for side in (generated, reference)]
    estimates = [polynomial_mmd2(generated[i], reference[j]) for i, j in zip(*parts, strict=True)]
    mean, error = np.mean(estimates), np.std(estimates, ddof=1) / np.sqrt(SUBSETS)
    reach = t.ppf(0.5 + CONFIDENCE / 2, SUBSETS - 1) * error
    return KernelDistance(float(mean), float(mean - reach), float(mean + reach))


def _kernel(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _within(kernel: NDArray[np.float64]) -> float:
    """Mean over the pairs of different vectors."""
    n = len(kernel)
    return float(kernel.sum() - np.trace(kernel)) / (n * (n - 1))
