"""Triangles cut in four."""

from __future__ import annotations

import numpy as np

from data.synthetic_micc.refine import refine

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
CORNERS = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0], [0, 0, 3]])


def areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(F, 3) vector areas."""
    a, b, c = vertices[faces].transpose(1, 0, 2)
    return np.cross(b - a, c - a) / 2


def test_the_surface_stays_and_its_triangles_share_their_vertices() -> None:
    for levels in (0, 1, 3):
        refinement = refine(TETRAHEDRON, 4, levels)
        vertices = refinement(CORNERS)
        # Euler: V - E + F = 2 with E = 3 F / 2.
        assert len(refinement.faces) == 4 * 4**levels
        assert len(vertices) == 2 + len(refinement.faces) // 2
        np.testing.assert_array_equal(vertices[:4], CORNERS)
        pieces = areas(vertices, refinement.faces).reshape(4, -1, 3)
        np.testing.assert_allclose(pieces.sum(axis=1), areas(CORNERS, TETRAHEDRON), atol=1e-12)
        # Every piece has the orientation of the triangle it is from, and the same area.
        np.testing.assert_allclose(pieces, np.broadcast_to(pieces[:, :1], pieces.shape), atol=1e-12)


def test_values_are_linear_and_may_come_in_batches() -> None:
    refinement = refine(TETRAHEDRON, 4, 2)
    field = CORNERS @ np.array([[1.0, 2], [0, -1], [3, 0]]) + 5
    np.testing.assert_allclose(refinement(field), refinement(CORNERS) @ [[1, 2], [0, -1], [3, 0]] + 5, atol=1e-12)
    np.testing.assert_array_equal(refinement(np.stack([CORNERS, -CORNERS]))[1], -refinement(CORNERS))


def test_a_middle_has_the_smaller_label_of_its_ends() -> None:
    refinement = refine(np.array([[0, 1, 2]]), 3, 1)
    labels = refinement.codes(np.array([4, 2, 3], np.uint8))
    ends = refinement.edges[0]
    assert labels.tolist()[:3] == [4, 2, 3]
    assert labels.tolist()[3:] == [min((4, 2, 3)[a], (4, 2, 3)[b]) for a, b in ends]
