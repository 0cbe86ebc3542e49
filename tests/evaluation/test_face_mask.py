"""Which pixels lie in the hull of landmarks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from skimage.measure import grid_points_in_poly

from evaluation.face_mask import landmark_hull
from ganfit_core.perception.align import TEMPLATE_68


def test_a_rectangles_pixels_are_those_whose_centres_lie_in_it() -> None:
    corners = np.array([[1.0, 2.0], [4.0, 2.0], [4.0, 5.0], [1.0, 5.0]])
    expected = np.zeros((6, 7), bool)
    expected[2:5, 1:4] = True
    np.testing.assert_array_equal(landmark_hull(corners, (6, 7)), expected)
    np.testing.assert_array_equal(landmark_hull(corners + 0.4, (6, 7)), expected)
    moved = np.zeros((6, 7), bool)
    moved[3:6, 2:5] = True
    np.testing.assert_array_equal(landmark_hull(corners + 0.6, (6, 7)), moved)


def test_a_centre_on_the_border_lies_in_the_hull() -> None:
    assert landmark_hull(np.array([[0.5, 0.5], [1.5, 0.5], [1.5, 1.5]]), (2, 2)).tolist() == [
        [True, True],
        [False, True],
    ]


@pytest.mark.parametrize("seed", range(3))
def test_a_faces_pixels_are_those_that_scikit_image_finds_in_the_polygon(seed: int) -> None:
    points = TEMPLATE_68 * 96 + np.random.default_rng(seed).normal(size=(68, 2))
    polygon = points[ConvexHull(points).vertices]
    expected = grid_points_in_poly((96, 96), (polygon - 0.5)[:, ::-1])  # rows and columns, centres at integers
    np.testing.assert_array_equal(landmark_hull(points, (96, 96)), expected)
    assert 0.3 < expected.mean() < 0.6


def test_a_point_inside_changes_nothing_and_one_outside_adds() -> None:
    corners = np.array([[10.0, 10.0], [50.0, 12.0], [45.0, 55.0], [12.0, 48.0]])
    mask = landmark_hull(corners, (64, 64))
    np.testing.assert_array_equal(landmark_hull(np.vstack([corners, [[30, 30]]]), (64, 64)), mask)
    more = landmark_hull(np.vstack([corners, [[60, 30]]]), (64, 64))
    assert (mask <= more).all()
    assert more.sum() > mask.sum()


def test_what_lies_beyond_the_picture_is_cut_off() -> None:
    corners = np.array([[-10.0, -10.0], [3.0, -10.0], [3.0, 20.0], [-10.0, 20.0]])
    expected = np.zeros((5, 6), bool)
    expected[:, :3] = True
    np.testing.assert_array_equal(landmark_hull(corners, (5, 6)), expected)


@pytest.mark.parametrize(
    "points",
    [
        np.column_stack([np.linspace(0, 9, 68), np.full(68, 3.0)]),
        np.column_stack([np.linspace(0, 9, 68), np.linspace(0, 18, 68)]),
        np.full((68, 2), 3.0),
    ],
)
def test_points_without_an_area_are_an_error(points: np.ndarray) -> None:
    with pytest.raises(ValueError, match="no area"):
        landmark_hull(points, (20, 20))
