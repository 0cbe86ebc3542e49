"""Principal components, rigid alignment and random expressions."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from data.morphable.statistics import align, components, expression_samples

FloatArray = NDArray[np.float64]

VERTICES = 30


@pytest.fixture
def samples() -> FloatArray:
    """Three directions of spread 5, 2 and 1 around a mean."""
    generator = np.random.default_rng(0)
    directions = np.linalg.qr(generator.normal(size=(VERTICES * 3, 3)))[0].T
    scores = generator.normal(size=(80, 3)) * [5, 2, 1]
    return (10 + scores @ directions).reshape(80, VERTICES, 3)


def scores_of(samples: FloatArray, mean: FloatArray, basis: FloatArray) -> FloatArray:
    flat = basis.reshape(len(basis), -1)
    return np.asarray(np.linalg.lstsq(flat.T, (samples - mean).reshape(len(samples), -1).T, rcond=None)[0].T)


def test_scores_have_unit_deviation_and_are_uncorrelated(samples: FloatArray) -> None:
    found = components(samples, 3, np.ones(VERTICES))
    scores = scores_of(samples, found.mean, found.basis)
    np.testing.assert_allclose(scores.T @ scores / len(samples), np.eye(3), atol=1e-6)
    np.testing.assert_allclose(found.mean + np.tensordot(scores, found.basis, 1), samples, atol=1e-6)
    assert found.explained == pytest.approx(1.0)


def test_largest_variance_first_and_the_share_kept(samples: FloatArray) -> None:
    found = components(samples, 2, np.ones(VERTICES))
    sizes = (found.basis**2).sum(axis=(1, 2))
    assert sizes[0] > sizes[1]
    total = ((samples - samples.mean(axis=0)) ** 2).sum() / len(samples)
    assert found.explained == pytest.approx(sizes.sum() / total)
    assert 0.9 < found.explained < 1


def test_weight_orders_the_modes_but_leaves_them_in_millimetres() -> None:
    generator = np.random.default_rng(1)
    scores = generator.normal(size=(60, 2))
    scores -= scores.mean(axis=0)
    scores = np.linalg.qr(scores)[0] * np.sqrt(60)
    samples = np.zeros((60, 2, 3))
    samples[:, 0, 0], samples[:, 1, 1] = 3 * scores[:, 0], 2 * scores[:, 1]
    plain = components(samples, 2, np.ones(2)).basis
    weighted = components(samples, 2, np.array([0.1, 1.0])).basis
    np.testing.assert_allclose(plain[0], [[3, 0, 0], [0, 0, 0]], atol=1e-6)
    np.testing.assert_allclose(weighted[0], [[0, 0, 0], [0, 2, 0]], atol=1e-6)
    np.testing.assert_allclose(weighted[1], plain[0], atol=1e-6)


def test_uncentred_components_keep_the_neutral_at_zero(samples: FloatArray) -> None:
    found = components(samples, 3, np.ones(VERTICES), centre=False)
    assert not found.mean.any()
    scores = scores_of(samples, found.mean, found.basis)
    np.testing.assert_allclose((scores**2).mean(axis=0), 1.0, atol=1e-6)


def test_components_are_reproducible(samples: FloatArray) -> None:
    one = components(samples, 3, np.ones(VERTICES))
    other = components(samples[::-1], 3, np.ones(VERTICES))
    np.testing.assert_allclose(one.basis, other.basis, atol=1e-6)


def test_align_removes_pose_but_not_size() -> None:
    generator = np.random.default_rng(2)
    shape = generator.normal(size=(VERTICES, 3)) * [80, 120, 100]
    scales = np.array([0.9, 1.0, 1.1, 1.0, 1.05])
    turns = Rotation.from_euler("xyz", generator.normal(size=(5, 3)) * 0.2).as_matrix()
    heads = np.einsum("n,vi,nij->nvj", scales, shape, turns) + generator.normal(size=(5, 1, 3)) * 50
    anchor = np.arange(VERTICES) < 20
    aligned = align(heads, anchor)
    # What is left between any two heads is their size.
    for scale, head in zip(scales / scales[1], aligned, strict=True):
        np.testing.assert_allclose(head, scale * aligned[1], atol=0.05)
    np.testing.assert_allclose(
        np.ptp(np.linalg.norm(heads - heads.mean(axis=1, keepdims=True), axis=2)),
        np.ptp(np.linalg.norm(aligned - aligned.mean(axis=1, keepdims=True), axis=2)),
    )
    np.testing.assert_allclose(aligned[:, anchor].mean(axis=1), 0, atol=1e-9)


def test_align_never_mirrors() -> None:
    flat = np.random.default_rng(3).normal(size=(12, 3)) * [50, 50, 0.01]
    heads = np.stack([flat, flat * [1, 1, -1]])
    aligned = align(heads, np.ones(12, bool))
    for before, after in zip(heads, aligned, strict=True):
        turn, *_ = np.linalg.lstsq(before - before.mean(axis=0), after, rcond=None)
        assert np.linalg.det(turn) == pytest.approx(1.0, abs=1e-3)


def test_expressions_are_positive_mixtures_of_few_units_left_and_right_mostly_together() -> None:
    names = ["jawOpen", *(f"unit{i}{side}" for i in range(15) for side in ("Left", "Right"))]
    units = {name: np.eye(len(names))[i].reshape(1, -1, 1) * [[[1.0, 0, 0]]] for i, name in enumerate(names)}
    units = {name: unit[0] for name, unit in units.items()}
    found = expression_samples(units, 500, np.random.default_rng(0))
    assert found.shape == (500, len(names), 3)
    weights = found[:, :, 0]
    assert not found[:, :, 1:].any()
    assert weights.min() >= 0
    assert weights.max() <= 1
    active = (weights > 0).mean()
    assert 0.3 < active < 0.95
    left, right = weights[:, 1], weights[:, 2]
    assert (left == right).mean() > 0.6
    assert (left != right).mean() > 0.02
    assert np.corrcoef(left, right)[0, 1] > 0.7
    assert abs(np.corrcoef(left, weights[:, 3])[0, 1]) < 0.2


def test_expressions_follow_the_seed() -> None:
    units = {"jawOpen": np.ones((4, 3)), "smileLeft": np.ones((4, 3)), "smileRight": -np.ones((4, 3))}
    one, same, other = (expression_samples(units, 20, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_opposed_units_do_not_cancel() -> None:
    """jawLeft and jawRight are two movements, not the halves of one: a face makes one or the other."""
    shift = np.zeros((1, 3))
    shift[0, 0] = 1.0
    samples = expression_samples({"jawLeft": shift, "jawRight": -shift}, 400, np.random.default_rng(0))
    assert samples[:, 0, 0].std() > 0.3
