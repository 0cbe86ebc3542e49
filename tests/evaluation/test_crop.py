"""Crops by a ball."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.crop import crop_ball
from ganfit_core.mesh import Surface
from tests.surfaces import relief

SHEET = relief(100, 2)
NOSE = SHEET.vertices[SHEET.vertices[:, 2].argmax()]


def test_a_triangle_stays_when_all_its_corners_do() -> None:
    part = crop_ball(SHEET, NOSE, 30)
    near = np.linalg.norm(SHEET.vertices - NOSE, axis=1) <= 30
    expected = SHEET.vertices[SHEET.faces[near[SHEET.faces].all(axis=1)]]
    np.testing.assert_array_equal(part.vertices[part.faces], expected)
    assert part.faces.dtype == np.int64
    assert 0 < len(part.vertices) < len(SHEET.vertices)


def test_the_vertices_that_stay_keep_their_order_and_have_triangles() -> None:
    part = crop_ball(SHEET, NOSE, 30)
    near = np.linalg.norm(SHEET.vertices - NOSE, axis=1) <= 30
    kept = np.unique(SHEET.faces[near[SHEET.faces].all(axis=1)])
    np.testing.assert_array_equal(part.vertices, SHEET.vertices[kept])
    assert np.unique(part.faces).tolist() == list(range(len(kept)))


def test_a_vertex_that_every_triangle_has_for_itself_counts_once() -> None:
    soup = Surface(SHEET.vertices[SHEET.faces].reshape(-1, 3), np.arange(SHEET.faces.size).reshape(-1, 3))
    part, usual = crop_ball(soup, NOSE, 30), crop_ball(SHEET, NOSE, 30)
    assert len(part.vertices) == len(usual.vertices)
    np.testing.assert_array_equal(part.vertices[part.faces], usual.vertices[usual.faces])


def test_the_distance_is_straight_not_along_the_axis() -> None:
    corners = np.array([[0.0, 0, 0], [3, 4, 0], [0, 0, 12], [0, 12.1, 0]])
    surface = Surface(corners, np.array([[0, 1, 2], [0, 1, 3]], np.int64))
    assert len(crop_ball(surface, np.zeros(3), 12).faces) == 1  # 12 mm still is within 12 mm


def test_a_large_ball_changes_nothing() -> None:
    whole = crop_ball(SHEET, NOSE, 1000)
    np.testing.assert_array_equal(whole.vertices, SHEET.vertices)
    np.testing.assert_array_equal(whole.faces, SHEET.faces)


@pytest.mark.parametrize(
    ("centre", "radius", "reason"),
    [
        (NOSE + 500, 95, "nothing of the surface lies within 95 mm"),
        (NOSE, 1, "within 1 mm"),
        (NOSE * np.nan, 95, "unknown"),
    ],
)
def test_nothing_left(centre: np.ndarray, radius: float, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        crop_ball(SHEET, centre, radius)
