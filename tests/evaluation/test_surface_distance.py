"""Distances between surfaces of known distance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evaluation.closest_point import ClosestPoint
from evaluation.surface_distance import Measure, Statistics, to_surface, to_tangent_plane
from ganfit_core.mesh import Surface
from tests.surfaces import moved, relief, similarity, sphere

MEASURES = pytest.mark.parametrize("measure", [to_surface, to_tangent_plane])


def distances(a: Surface, b: Surface, measure: Measure) -> NDArray[np.float64]:
    """Of a's vertices from b."""
    return measure(a.vertices, ClosestPoint(b)).values


@MEASURES
@pytest.mark.parametrize("gap", [0.5, 3.0, -2.0])
def test_spheres(measure: Measure, gap: float) -> None:
    """Between spheres every distance is the difference of radii; the triangles' flatness takes 1/1000 of it."""
    inner, outer = sphere(100, 5), sphere(100 + gap, 5)
    for a, b in ((inner, outer), (outer, inner)):
        found = distances(a, b, measure)
        np.testing.assert_allclose(found, abs(gap), rtol=1e-3)
        assert Statistics.of(found)[:3] == pytest.approx([abs(gap)] * 3, rel=1e-3)


@MEASURES
def test_a_surface_is_nowhere_from_itself(measure: Measure) -> None:
    assert distances(relief(60, 2), relief(60, 2), measure).max() < 1e-9


def test_the_tangent_plane_goes_on_where_the_surface_ends() -> None:
    square = Surface(
        np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]]), np.array([[0, 1, 2], [0, 2, 3]], np.int64)
    )
    beyond = Surface(np.array([[13.0, 2, 4], [13, 3, 4], [13, 2, 0]]), np.array([[0, 1, 2]], np.int64))
    np.testing.assert_allclose(distances(beyond, square, to_surface), [5, 5, 3])
    np.testing.assert_allclose(distances(beyond, square, to_tangent_plane), [4, 4, 0], atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(st.tuples(*[st.floats(-5, 5)] * 3), st.tuples(*[st.floats(-8, 8)] * 3))
def test_the_tangent_plane_is_never_farther_than_the_surface(degrees: tuple, shift: tuple) -> None:
    a, b = relief(60, 3), moved(relief(50, 5), similarity(1.05, degrees, shift))
    assert (distances(a, b, to_tangent_plane) <= distances(a, b, to_surface) + 1e-9).all()


def test_directions_weigh_the_same() -> None:
    there, back = np.array([0.0, 0, 3, 4, 8]), np.array([1.0, 3])
    assert Statistics.mean_of([there, back]) == pytest.approx((2.5, (np.sqrt(89 / 5) + np.sqrt(5)) / 2, 2.5, 7))
    assert Statistics.mean_of([there]) == Statistics.of(there)
    for none in ([], [there, np.zeros(0)]):
        with pytest.raises(ValueError, match="there are no"):
            Statistics.mean_of(none)


def test_statistics_in_numbers() -> None:
    assert Statistics.of(np.array([0.0, 0, 3, 4, 8])) == pytest.approx((3.0, np.sqrt(89 / 5), 3.0, 5))
    with pytest.raises(ValueError, match="no distances"):
        Statistics.of(np.zeros(0))
