"""Closest points against trimesh's, tried triangle by triangle, and where the answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.closest_point import ClosestPoint
from ganfit_core.mesh import Surface
from tests.surfaces import relief, sphere

SQUARE = Surface(
    np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]]), np.array([[0, 1, 2], [0, 2, 3]], np.int64)
)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_triangle_is_closer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    soup = Surface(rng.normal(0, 50, (30, 3)), rng.permuted(np.tile(np.arange(30), (25, 1)), axis=1)[:, :3])
    points = rng.normal(0, 60, (20, 3))
    closest = ClosestPoint(soup)(points)
    for point, found, triangle, distance in zip(
        points, closest.points, closest.triangles, closest.distances, strict=True
    ):
        every = trimesh.triangles.closest_point(soup.vertices[soup.faces], np.tile(point, (25, 1)))
        distances = np.linalg.norm(every - point, axis=1)
        assert distance == pytest.approx(distances.min(), abs=1e-5)  # another triangle may seem as near in float32
        np.testing.assert_allclose(found, every[triangle], atol=1e-9)
        assert distance == pytest.approx(distances[triangle], abs=1e-9)


def test_precision_is_double_wherever_the_scanner_s_origin_is() -> None:
    surface = relief(60, 2)
    far = np.array([1e6, -2e6, 3e6])  # where float32 tells quarters of a millimetre apart
    weights = np.random.default_rng(0).dirichlet((5, 5, 5), len(surface.faces))
    truth = np.einsum("fc,fcd->fd", weights, surface.vertices[surface.faces]) + far
    find = ClosestPoint(Surface(surface.vertices + far, surface.faces))
    closest = find(truth + 0.5 * find.normals)
    np.testing.assert_allclose(closest.points, truth, atol=1e-7)
    np.testing.assert_array_equal(closest.triangles, np.arange(len(surface.faces)))
    np.testing.assert_allclose(closest.distances, 0.5, atol=1e-7)


def test_the_border_of_a_square() -> None:
    points = np.array([[3.0, 4, 5], [5, 5, 1], [-2, 5, 0], [12, 13, 0], [4, 10, 3], [4, 9.999, 3]])
    closest = ClosestPoint(SQUARE)(points)
    expected = [[3, 4, 0], [5, 5, 0], [0, 5, 0], [10, 10, 0], [4, 10, 0], [4, 9.999, 0]]
    np.testing.assert_allclose(closest.points, expected, atol=1e-12)
    # the second lies on the diagonal, which has a triangle on either side
    assert closest.on_border.tolist() == [False, False, True, True, True, False]


def test_a_corner_of_the_border_counts_from_every_triangle() -> None:
    """The inner triangles of this fan have no edge on the border at the corner that all share."""
    angles = np.linspace(0, np.pi, 10)
    rim = np.stack([10 * np.cos(angles), 10 * np.sin(angles), np.full(10, -5.0)], axis=1)
    faces = np.stack([np.zeros(9), np.arange(1, 10), np.arange(2, 11)], axis=1).astype(np.int64)
    directions = np.random.default_rng(0).normal(0, 0.1, (50, 3)) + np.array([0, 0, 1])
    closest = ClosestPoint(Surface(np.concatenate([np.zeros((1, 3)), rim]), faces))(directions)
    np.testing.assert_allclose(closest.points, 0, atol=1e-12)
    assert ((closest.triangles > 0) & (closest.triangles < 8)).any()
    assert closest.on_border.all()


def test_an_edge_of_three_triangles_is_no_border() -> None:
    wings = np.array([[0.0, 0, 0], [10, 0, 0], [5, 10, 0], [5, -10, 0], [5, 0, -10]])
    surface = Surface(wings, np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]], np.int64))
    closest = ClosestPoint(surface)(np.array([[5.0, 0, 3]]))
    np.testing.assert_allclose(closest.points, [[5, 0, 0]])
    assert not closest.on_border.any()


def test_a_closed_surface_has_no_border() -> None:
    assert not ClosestPoint(sphere(10, 2))(np.random.default_rng(0).normal(0, 10, (500, 3))).on_border.any()


def test_a_seam_is_no_border() -> None:
    """Every triangle has vertices of its own: the border is where it was."""
    sheet = relief(60, 3)
    soup = Surface(sheet.vertices[sheet.faces].reshape(-1, 3), np.arange(sheet.faces.size).reshape(-1, 3))
    points = np.random.default_rng(0).normal(0, 25, (500, 3))
    usual, found = ClosestPoint(sheet)(points), ClosestPoint(soup)(points)
    assert 0 < usual.on_border.sum() < len(points)
    np.testing.assert_array_equal(found.on_border, usual.on_border)


def test_normals_follow_the_right_hand_and_have_length_one() -> None:
    ball = sphere(10, 2)
    normals = ClosestPoint(ball).normals
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert ((normals * ball.vertices[ball.faces].mean(axis=1)).sum(axis=1) > 0).all()


def test_triangles_without_area() -> None:
    """Two corners in one place, three on a line, and three in one place: lines and points have closest points too."""
    surface = Surface(
        np.array([[0.0, 0, 0], [10, 0, 0], [5, 0, 0], [50, 0, 0]]),
        np.array([[0, 0, 1], [0, 2, 1], [3, 3, 3]], np.int64),
    )
    find = ClosestPoint(surface)
    closest = find(np.array([[4.0, 3, 0], [-3, 4, 0], [60.0, 0, 0]]))
    np.testing.assert_allclose(closest.points, [[4, 0, 0], [0, 0, 0], [50, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(closest.distances, [3, 5, 10])
    np.testing.assert_array_equal(find.normals, np.zeros((3, 3)))


def test_bad_surfaces_and_points() -> None:
    with pytest.raises(ValueError, match="without triangles"):
        ClosestPoint(Surface(SQUARE.vertices, np.zeros((0, 3), np.int64)))
    with pytest.raises(ValueError, match="not finite"):
        ClosestPoint(Surface(np.where(SQUARE.vertices == 10, np.nan, SQUARE.vertices), SQUARE.faces))
    with pytest.raises(ValueError, match="not finite"):
        ClosestPoint(SQUARE)(np.array([[0.0, np.nan, 0]]))
