"""Similarities recovered from points, against SciPy's rotations where these apply."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from evaluation.similarity import DegenerateError, Similarity, procrustes
from tests.surfaces import similarity

SEEDS = st.integers(0, 2**32 - 1)


def any_similarity(rng: np.random.Generator) -> Similarity:
    return Similarity(float(rng.uniform(0.1, 10)), Rotation.random(rng=rng).as_matrix(), rng.normal(0, 100, 3))


def noisy_pair(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points that no similarity takes to their partners exactly, and weights."""
    rng = np.random.default_rng(seed)
    source = rng.normal(0, 50, (12, 3))
    return source, any_similarity(rng).apply(source) + rng.normal(0, 5, (12, 3)), rng.uniform(0, 1, 12)


def cost(transform: Similarity, source: np.ndarray, target: np.ndarray, weights: np.ndarray) -> float:
    return float(weights @ ((transform.apply(source) - target) ** 2).sum(axis=1))


@given(SEEDS, st.integers(3, 10))
def test_a_similarity_is_recovered(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    points, truth = rng.normal(0, 50, (count, 3)), any_similarity(rng)
    found = procrustes(points, truth.apply(points), with_scale=True)
    assert found.scale == pytest.approx(truth.scale, rel=1e-7)
    np.testing.assert_allclose(found.apply(points), truth.apply(points), atol=1e-6)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@given(SEEDS)
def test_composition_and_inverse(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, points = any_similarity(rng), any_similarity(rng), rng.normal(0, 50, (5, 3))
    np.testing.assert_allclose(a.then(b).apply(points), b.apply(a.apply(points)), atol=1e-9)
    np.testing.assert_allclose(a.then(a.inverse()).apply(points), points, atol=1e-9)
    np.testing.assert_allclose(a.inverse().then(a).apply(points), points, atol=1e-9)
    np.testing.assert_array_equal(Similarity.identity().apply(points), points)


def test_apply_in_numbers() -> None:
    quarter = similarity(2.0, (0, 0, 90), (1, 2, 3))
    np.testing.assert_allclose(quarter.apply(np.array([[1.0, 0, 0], [0, 1, 0]])), [[1, 4, 3], [-1, 2, 3]], atol=1e-12)


def test_the_rotation_is_scipy_s() -> None:
    source, target, weights = noisy_pair(0)
    found = procrustes(source, target, with_scale=False, weights=weights)
    x, y = (side - np.average(side, axis=0, weights=weights) for side in (source, target))
    expected, _ = Rotation.align_vectors(y, x, weights)
    np.testing.assert_allclose(found.rotation, expected.as_matrix(), atol=1e-9)
    assert found.scale == 1
    with_scale = procrustes(source, target, with_scale=True, weights=weights)
    np.testing.assert_allclose(with_scale.rotation, found.rotation, atol=1e-12)


@given(SEEDS)
def test_nothing_near_is_better(seed: int) -> None:
    source, target, weights = noisy_pair(seed)
    best = procrustes(source, target, with_scale=True, weights=weights)
    rng = np.random.default_rng(seed)
    for _ in range(10):
        nudge = Similarity(
            float(np.exp(rng.normal(0, 1e-3))),
            Rotation.from_rotvec(rng.normal(0, 1e-3, 3)).as_matrix(),
            rng.normal(0, 0.1, 3),
        )
        assert cost(best.then(nudge), source, target, weights) >= cost(best, source, target, weights)


def test_the_unit_and_the_origin_do_not_matter() -> None:
    source, target, weights = noisy_pair(3)
    best = procrustes(source, target, with_scale=True, weights=weights)
    tiny = procrustes(1e-9 * source, 1e-9 * target, with_scale=True, weights=weights)
    far = procrustes(source + 1e5, target - 1e5, with_scale=True, weights=weights)
    for other in (tiny, far):
        assert other.scale == pytest.approx(best.scale, rel=1e-9)
        np.testing.assert_allclose(other.rotation, best.rotation, atol=1e-9)


def test_a_weight_counts_points() -> None:
    source, target, _ = noisy_pair(1)
    counts = np.arange(12) % 3
    weighted = procrustes(source, target, True, counts.astype(float))
    repeated = procrustes(np.repeat(source, counts, axis=0), np.repeat(target, counts, axis=0), True)
    np.testing.assert_allclose(weighted.apply(source), repeated.apply(source), atol=1e-9)


def test_a_mirror_image_is_met_by_a_rotation() -> None:
    source, _, weights = noisy_pair(2)
    mirrored = source * [-1, 1, 1]
    best = procrustes(source, mirrored, with_scale=True, weights=weights)
    assert np.linalg.det(best.rotation) == pytest.approx(1)
    x, y = (side - np.average(side, axis=0, weights=weights) for side in (source, mirrored))
    along = np.average((x @ best.rotation.T * y).sum(axis=1), weights=weights)
    assert best.scale == pytest.approx(along / np.average((x**2).sum(axis=1), weights=weights))
    rng = np.random.default_rng(2)
    for rotation in Rotation.random(200, rng=rng).as_matrix():
        centred = Similarity(best.scale, rotation, np.zeros(3))
        shift = np.average(mirrored - centred.apply(source), axis=0, weights=weights)
        other = Similarity(best.scale, rotation, shift)
        assert cost(best, source, mirrored, weights) <= cost(other, source, mirrored, weights)


def test_three_points_and_planes_are_enough() -> None:
    flat = np.array([[0.0, 0, 0], [10, 0, 0], [0, 20, 0]])
    truth = similarity(1.3, (20, 40, -60), (5, 6, 7))
    np.testing.assert_allclose(procrustes(flat, truth.apply(flat), True).rotation, truth.rotation, atol=1e-9)


LINE = np.outer(np.arange(5.0), [1, 2, 3]) + 7
BENT = LINE + np.eye(5, 3)


@pytest.mark.parametrize(
    ("source", "target", "weights", "reason"),
    [
        (BENT[:2], BENT[:2], None, "2 pairs"),
        (BENT, BENT, np.array([1.0, 1, 0, 0, 0]), "2 pairs"),
        (LINE, BENT, None, "on a line"),
        (BENT, LINE, None, "on a line"),
        (LINE + 1e5, BENT, None, "on a line"),
        (BENT, np.full((5, 3), 0.1), None, "one place"),
        (BENT, np.zeros((5, 3)), None, "one place"),
    ],
)
def test_degenerate_points(source: np.ndarray, target: np.ndarray, weights: np.ndarray | None, reason: str) -> None:
    with pytest.raises(DegenerateError, match=reason):
        procrustes(source, target, True, weights)


@pytest.mark.parametrize(
    ("target", "weights", "reason"),
    [
        (BENT[1:], None, "shapes"),
        (BENT, np.ones(4), "shapes"),
        (BENT * np.nan, None, "finite"),
        (BENT, np.array([1.0, 1, 1, 1, -1]), "negative"),
    ],
)
def test_bad_arguments(target: np.ndarray, weights: np.ndarray | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        procrustes(BENT, target, True, weights)
