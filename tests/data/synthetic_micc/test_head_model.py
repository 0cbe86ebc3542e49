"""The heads that people are drawn from."""

from __future__ import annotations

import numpy as np

from data.morphable.ict_facekit import IctFaceKit
from data.synthetic_micc.head_model import head_of_ict, head_of_open


def ellipsoid(n: int) -> np.ndarray:
    """(n, 3) points of an ellipsoid as large as a head."""
    points = np.random.default_rng(1).standard_normal((n, 3))
    return (points / np.linalg.norm(points, axis=1, keepdims=True) * [75, 110, 100]).astype(np.float32)


def test_a_head_of_the_open_model_leaves_its_span_by_two_millimetres() -> None:
    mean = ellipsoid(600)
    generator = np.random.default_rng(2)
    identity, expression = generator.standard_normal((5, 600, 3)), generator.standard_normal((3, 600, 3))
    faces, landmarks = np.array([[0, 1, 2]]), np.arange(68)
    head = head_of_open(mean, identity, expression, faces, landmarks, "hash")
    np.testing.assert_array_equal(head(np.zeros(len(head.identity)), np.zeros(3)), mean)
    np.testing.assert_allclose(head.identity[:5], identity, rtol=1e-6)

    span = np.linalg.qr(identity.reshape(5, -1).T)[0]
    distances = []
    for _ in range(200):
        coefficients = generator.standard_normal(len(head.identity))
        bent = (head(coefficients, np.zeros(3)) - mean).ravel()
        outside = bent - span @ (span.T @ bent)
        distances.append(np.sqrt((outside**2).sum() / 600))
    assert np.mean(distances) == np.clip(np.mean(distances), 1.8, 2.2)
    # Smooth: points 10 mm apart move alike.
    bends = head.identity[5:]
    gap = np.linalg.norm(mean[:, None] - mean, axis=2)
    near = np.argwhere((gap > 0) & (gap < 10))
    step = np.linalg.norm(bends[:, near[:, 0]] - bends[:, near[:, 1]], axis=2)
    assert np.median(step) < 0.4 * np.median(np.linalg.norm(bends, axis=2))


def test_a_head_of_ict_is_the_sum_of_its_modes() -> None:
    generator = np.random.default_rng(3)
    mean, identity, expression = (generator.standard_normal((*n, 4, 3)).astype(np.float32) for n in ((), (2,), (3,)))
    points = np.zeros(68, np.int64)
    parts = np.zeros(4, np.uint8)
    model = IctFaceKit(mean, identity, expression, ("a", "b", "c"), np.array([[0, 1, 2]]), parts, points, "hash")
    head = head_of_ict(model)
    expected = mean + 2 * identity[0] - identity[1] + 0.5 * expression[2]
    np.testing.assert_allclose(head(np.array([2.0, -1]), np.array([0, 0, 0.5])), expected, rtol=1e-5, atol=1e-6)
    assert (head.expression_names, head.sha256) == (("a", "b", "c"), "hash")
