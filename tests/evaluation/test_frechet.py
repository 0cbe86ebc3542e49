"""The Frechet distance against closed forms and against scipy's matrix square root."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from evaluation.frechet import FeatureStatistics, FrechetWarning, frechet_distance, shortage


def gaussian(mean: NDArray[np.float64], covariance: NDArray[np.float64], count: int = 10_000) -> FeatureStatistics:
    """Statistics that have exactly this mean and covariance."""
    return FeatureStatistics(count, mean, covariance * (count - 1))


def random_covariance(dim: int, rank: int, seed: int) -> NDArray[np.float64]:
    factor = np.random.default_rng(seed).normal(size=(dim, rank))
    return factor @ factor.T / rank


def test_diagonal_gaussians_have_a_closed_form() -> None:
    random = np.random.default_rng(0)
    (mean_a, mean_b), (s, t) = random.normal(size=(2, 40)), random.uniform(0.1, 3, (2, 40))
    got = frechet_distance(gaussian(mean_a, np.diag(s**2)), gaussian(mean_b, np.diag(t**2)))
    assert got == pytest.approx(((mean_a - mean_b) ** 2).sum() + ((s - t) ** 2).sum(), rel=1e-12)


def test_commuting_covariances_have_a_closed_form() -> None:
    random = np.random.default_rng(1)
    turn = np.linalg.qr(random.normal(size=(30, 30)))[0]
    # widely spread, some zero: where the square root of a product loses half of its digits
    s, t = 10.0 ** random.uniform(-5, 2, (2, 30))
    s[:7] = 0
    covariances = ((turn * scales**2) @ turn.T for scales in (s, t))
    got = frechet_distance(*(gaussian(np.zeros(30), covariance) for covariance in covariances))
    assert got == pytest.approx(((s - t) ** 2).sum(), rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_scipys_matrix_square_root(seed: int) -> None:
    dim = 64
    a, b = (random_covariance(dim, 3 * dim, seed + 10 * side) for side in (0, 1))
    mean = np.random.default_rng(seed).normal(size=dim)
    expected = mean @ mean + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    got = frechet_distance(gaussian(mean, a), gaussian(np.zeros(dim), b))
    assert got == pytest.approx(expected, rel=1e-6)


def test_it_agrees_with_scipy_on_the_features_of_two_samples() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(300, 20)).astype(np.float32)
    y = random.normal(0.3, 1.7, size=(200, 20)).astype(np.float32)
    a, b = (np.cov(side.astype(np.float64), rowvar=False) for side in (x, y))
    shift = x.mean(axis=0, dtype=np.float64) - y.mean(axis=0, dtype=np.float64)
    expected = shift @ shift + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    assert frechet_distance(FeatureStatistics.of(x), FeatureStatistics.of(y)) == pytest.approx(expected, rel=1e-6)


def test_equal_statistics_are_at_no_distance() -> None:
    statistics = FeatureStatistics.of(np.random.default_rng(4).normal(size=(500, 50)))
    assert 0 <= frechet_distance(statistics, statistics) < 1e-10


@pytest.mark.parametrize("count", [2, 3, 12, 13, 23])
def test_few_samples_give_the_right_number_and_a_warning(count: int) -> None:
    random = np.random.default_rng(count)
    x, y = random.normal(size=(count, 12)), random.normal(size=(4000, 12))
    few, many = FeatureStatistics.of(x), FeatureStatistics.of(y)
    with pytest.warns(FrechetWarning, match=f"{count} samples for 12 features are few") as told:
        got = frechet_distance(few, many)
    assert ("singular" in str(told[0].message)) == (np.linalg.matrix_rank(few.covariance) < 12)
    # In high precision: eigenvalues of the small matrix that shares them with the product of the covariances.
    factor = (x - x.mean(axis=0)) / np.sqrt(count - 1)
    overlap = np.sqrt(np.linalg.eigvalsh(factor @ many.covariance @ factor.T).clip(0))[1:].sum()
    shift = few.mean - many.mean
    expected = shift @ shift + np.trace(few.covariance) + np.trace(many.covariance) - 2 * overlap
    assert got == pytest.approx(expected, rel=1e-6)


def test_enough_samples_give_no_warning() -> None:
    enough = FeatureStatistics.of(np.random.default_rng(0).normal(size=(24, 12)))
    assert shortage(enough, enough) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        frechet_distance(enough, enough)


def test_what_has_no_distance_is_refused() -> None:
    one, some = FeatureStatistics.of(np.ones((1, 3))), FeatureStatistics.of(np.eye(3))
    with pytest.raises(ValueError, match="at least 2"):
        frechet_distance(one, some)
    with pytest.raises(ValueError, match="cannot be compared"):
        frechet_distance(some, FeatureStatistics.of(np.eye(4)))
    with pytest.raises(ValueError, match="no features"):
        FeatureStatistics.of(np.empty((0, 3)))


def test_statistics_far_from_the_origin_keep_their_digits() -> None:
    x = np.random.default_rng(5).normal(1e6, 1, size=(101, 6))
    found = FeatureStatistics.of(x)
    assert found.count == 101
    np.testing.assert_allclose(found.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.covariance, np.cov(x, rowvar=False), rtol=1e-8, atol=1e-9)
