"""The UV layout, on a ball that is open below like a head at the neck."""

from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from data.morphable.head import mirror_of
from data.morphable.layout import importance, uv_layout
from ganfit_core.perception.align import TEMPLATE_68

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

RADIUS = 100.0


class Ball(NamedTuple):
    vertices: FloatArray
    faces: IntArray
    mirror: IntArray


@pytest.fixture(scope="module")
def ball() -> Ball:
    """A pole on top, rings down to 150 degrees, every ring with a vertex in front (x = 0, z > 0) and one behind."""
    rings, around = 9, 18
    polar = np.deg2rad(np.linspace(0, 150, rings + 1))[1:]
    azimuth = np.arange(around) * 2 * np.pi / around
    ring_points = [
        [RADIUS * np.sin(p) * np.sin(a), RADIUS * np.cos(p), RADIUS * np.sin(p) * np.cos(a)]
        for p in polar
        for a in azimuth
    ]
    vertices = np.array([[0.0, RADIUS, 0.0], *ring_points])
    vertices[np.abs(vertices) < 1e-9] = 0.0
    faces = [[0, 1 + i, 1 + (i + 1) % around] for i in range(around)]
    for ring in range(rings - 1):
        for i in range(around):
            a, b = 1 + ring * around + i, 1 + ring * around + (i + 1) % around
            faces += [[a, a + around, b], [b, a + around, b + around]]
    return Ball(vertices, np.array(faces), mirror_of(vertices))


def signed_area(uvs: FloatArray, faces: IntArray) -> FloatArray:
    a, b, c = uvs[faces].transpose(1, 0, 2)
    one, two = b - a, c - a
    return 0.5 * (one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0])


@pytest.fixture(scope="module")
def layout(ball: Ball) -> tuple[FloatArray, IntArray]:
    return uv_layout(*ball, np.ones(len(ball.vertices)))


def test_nothing_folds_over(layout: tuple[FloatArray, IntArray]) -> None:
    assert signed_area(*layout).min() > 0


def test_map_lies_inside_the_square_and_fills_most_of_it(layout: tuple[FloatArray, IntArray]) -> None:
    uvs, faces = layout
    assert uvs.min() >= 0
    assert uvs.max() <= 1
    assert signed_area(uvs, faces).sum() > 0.85


def test_map_is_symmetric(ball: Ball, layout: tuple[FloatArray, IntArray]) -> None:
    uvs, uv_faces = layout
    places: dict[int, set[tuple[float, float]]] = {}
    for vertex, uv in zip(ball.faces.ravel().tolist(), uvs[uv_faces.ravel()], strict=True):
        places.setdefault(vertex, set()).add((round(uv[0], 6), round(uv[1], 6)))
    for vertex, found in places.items():
        image = {(round(1 - u, 6), v) for u, v in places[int(ball.mirror[vertex])]}
        assert all(min(abs(a - u) + abs(b - v) for u, v in image) < 1e-5 for a, b in found)


def test_face_stands_upright_in_the_middle(ball: Ball, layout: tuple[FloatArray, IntArray]) -> None:
    uvs, _ = layout
    front = np.flatnonzero((ball.vertices[:, 0] == 0) & (ball.vertices[:, 2] > 0))
    np.testing.assert_allclose(uvs[front, 0], 0.5, atol=1e-9)
    upwards = front[ball.vertices[front, 1].argsort()]
    assert (np.diff(uvs[upwards, 1]) > 0).all()
    # The subject's left (x > 0), seen from the front, is at the right.
    left = (ball.vertices[:, 0] > 0) & (ball.vertices[:, 2] > 0)
    assert (uvs[: len(ball.vertices)][left, 0] > 0.5).all()


def test_only_the_back_is_cut(ball: Ball, layout: tuple[FloatArray, IntArray]) -> None:
    uvs, uv_faces = layout
    owner = np.zeros(len(uvs), dtype=int)
    owner[uv_faces.ravel()] = ball.faces.ravel()
    twice = np.flatnonzero(np.bincount(owner) == 2)
    assert len(twice) == 9
    assert (ball.vertices[twice, 0] == 0).all()
    assert (ball.vertices[twice, 2] < 0).all()


def test_importance_enlarges(ball: Ball, layout: tuple[FloatArray, IntArray]) -> None:
    front = ball.vertices[:, 2] > 60
    faces = front[ball.faces].all(axis=1)
    uvs, uv_faces = uv_layout(*ball, np.where(front, 2.0, 1.0))
    enlarged = signed_area(uvs, uv_faces)
    assert enlarged.min() > 0
    assert enlarged[faces].sum() > 1.5 * signed_area(*layout)[faces].sum()


def test_importance_favours_the_face() -> None:
    x, y = (TEMPLATE_68.T - 0.5) * [[1.0], [-1.0]] * 200
    landmarks = np.stack([x, y, np.sqrt(np.maximum(120.0**2 - x**2 - y**2, 0))], axis=1)
    brow = landmarks[17:27].mean(axis=0)
    nose, forehead = landmarks[30], brow + np.array([0, 0.3 * (brow[1] - landmarks[8, 1]), 0])
    behind, throat = landmarks[30] * [1, 1, -1], landmarks[8] + [0, -60, 0]
    at_nose, at_forehead, at_back, at_throat = importance(np.array([nose, forehead, behind, throat]), landmarks)
    assert at_nose > at_forehead > at_back > 0
    assert at_throat == pytest.approx(at_back)
    assert at_nose > 3 * at_back
