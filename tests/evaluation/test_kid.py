"""The kernel distance against the formula written out, and its interval against simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from evaluation.kid import SUBSETS, kernel_distance, polynomial_mmd2


def test_it_is_the_formula() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(5, 4)), random.normal(0.5, 1, size=(7, 4))

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 4 + 1) ** 3)

    expected = (
        np.mean([kernel(a, b) for a, b in itertools.permutations(x, 2)])
        + np.mean([kernel(a, b) for a, b in itertools.permutations(y, 2)])
        - 2 * np.mean([kernel(a, b) for a in x for b in y])
    )
    assert polynomial_mmd2(x, y) == pytest.approx(expected, rel=1e-12)


def test_the_interval_covers_zero_for_equal_distributions_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    repeats = 300
    estimates = [kernel_distance(random.normal(size=(300, 8)), random.normal(size=(200, 8)), i) for i in range(repeats)]
    covered = np.mean([estimate.low <= 0 <= estimate.high for estimate in estimates])
    assert 0.91 <= covered <= 0.985
    # unbiased: the mean of all lies within its standard error of zero
    means = np.array([estimate.mean for estimate in estimates])
    assert abs(means.mean()) < 3 * means.std() / np.sqrt(repeats)


def test_the_interval_covers_the_true_distance_of_different_distributions() -> None:
    random, dim, mean = np.random.default_rng(2), 6, 0.4
    m = dim * mean**2

    def expected_kernel(first: float, second: float, third: float) -> float:
        """E (T / d + 1)^3 from the moments of T = x^T y."""
        return 1 + 3 * first / dim + 3 * second / dim**2 + third / dim**3

    # x ~ N(mean, I), y ~ N(0, I)
    within_x = expected_kernel(m, dim + 2 * m + m**2, m**3 + 3 * m**2 + 3 * (m**2 + m * dim + 2 * m))
    truth = within_x + expected_kernel(0, dim, 0) - 2 * expected_kernel(0, dim + m, 0)
    estimates = [
        kernel_distance(random.normal(mean, 1, size=(300, dim)), random.normal(size=(300, dim)), i) for i in range(200)
    ]
    covered = np.mean([estimate.low <= truth <= estimate.high for estimate in estimates])
    assert 0.9 <= covered <= 0.99
    assert all(estimate.low > 0 for estimate in estimates)


def test_the_same_seed_gives_the_same_estimate() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 60, 5))
    assert kernel_distance(x, y, 1) == kernel_distance(x, y, 1)
    assert kernel_distance(x, y, 1) != kernel_distance(x, y, 2)


def test_too_few_samples_are_refused() -> None:
    few, many = np.zeros((2 * SUBSETS - 1, 3)), np.zeros((100, 3))
    with pytest.raises(ValueError, match="too few"):
        kernel_distance(few, many, 0)
    with pytest.raises(ValueError, match="at least two"):
        polynomial_mmd2(few[:1], many)
