"""What the scanner adds and takes away."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from data.synthetic_micc.refine import refine
from data.synthetic_micc.scanner import NOSE_TIP, Scan, scanned

RADIUS = 100.0
OCTAHEDRON = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
SIDES = np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]])


@pytest.fixture(scope="module")
def ball() -> tuple[np.ndarray, np.ndarray]:
    """A sphere of 100 mm and its triangles, outwards."""
    refinement = refine(SIDES, 6, 6)
    vertices = refinement(OCTAHEDRON)
    return vertices * RADIUS / np.linalg.norm(vertices, axis=1, keepdims=True), refinement.faces


def scan_of(ball: tuple[np.ndarray, np.ndarray], seed: int = 0, hairy: bool = True) -> tuple[Scan, np.ndarray]:
    """A scan of the front half; landmarks on it, the nose tip foremost. Also the true landmarks."""
    vertices, faces = ball
    front = faces[(vertices[faces][:, :, 2] > -20).all(axis=1)]
    marks = vertices[np.random.default_rng(5).choice(np.unique(front), 68)]
    marks[NOSE_TIP] = [0, 0, RADIUS]
    hair = (vertices[:, 1] > 30).astype(float) * hairy
    colours = (vertices / RADIUS / 2 + 0.5).astype(np.float32)
    return scanned(vertices, front, colours, hair, marks, np.random.default_rng(seed)), marks


def unposed(scan: Scan, points: np.ndarray) -> np.ndarray:
    """Back into the model frame."""
    return (points - scan.translation) @ scan.rotation


def test_noise_is_along_the_normals_and_as_strong_as_said(ball: tuple[np.ndarray, np.ndarray]) -> None:
    scan, _ = scan_of(ball, hairy=False)
    points = unposed(scan, scan.surface.vertices)
    height = np.linalg.norm(points, axis=1) - RADIUS
    # Normals of triangles are not quite those of the sphere, least of all at the cut.
    inner = points[:, 2] > 0
    assert abs(height[inner].mean()) < 0.01
    assert height[inner].std() == pytest.approx(0.2, rel=0.05)
    np.testing.assert_allclose(scan.rotation @ scan.rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(scan.rotation) == pytest.approx(1)
    # Vertices and colours still belong together.
    np.testing.assert_allclose(scan.colours, points / RADIUS / 2 + 0.5, atol=0.01)


def test_hair_is_ragged_but_not_near_the_face(ball: tuple[np.ndarray, np.ndarray]) -> None:
    scan, marks = scan_of(ball)
    points = unposed(scan, scan.surface.vertices)
    ragged = np.linalg.norm(points, axis=1) - RADIUS > 2
    assert ragged.sum() > 50
    assert np.linalg.norm(points[ragged] - marks[NOSE_TIP], axis=1).min() > 95
    bald = scan_of(ball, hairy=False)[0]
    assert (np.linalg.norm(unposed(bald, bald.surface.vertices), axis=1) - RADIUS < 2).all()


def test_landmarks_are_exact_and_missing_in_holes(ball: tuple[np.ndarray, np.ndarray]) -> None:
    missing = 0
    for seed in range(10):
        scan, marks = scan_of(ball, seed)
        known = np.isfinite(scan.landmarks[:, 0])
        missing += (~known).sum()
        assert known[NOSE_TIP]
        np.testing.assert_allclose(unposed(scan, scan.landmarks[known]), marks[known], atol=1e-9)
        gap = cKDTree(unposed(scan, scan.surface.vertices)).query(marks)[0]
        np.testing.assert_array_equal(known, gap < 3)
    assert 0 < missing < 68


def test_two_scans_differ_and_the_same_seed_repeats(ball: tuple[np.ndarray, np.ndarray]) -> None:
    first, again, other = (scan_of(ball, seed)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.surface.vertices, again.surface.vertices)
    np.testing.assert_array_equal(first.surface.faces, again.surface.faces)
    assert len(first.surface.vertices) != len(other.surface.vertices)
    assert first.surface.faces.max() == len(first.surface.vertices) - 1
