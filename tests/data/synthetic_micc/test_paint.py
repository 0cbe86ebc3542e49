"""Colours of a head from the map of another."""

from __future__ import annotations

import numpy as np
import pytest

from data.morphable.ict_facekit import PARTS
from data.synthetic_micc.paint import Colouring, collar_of, paint_of
from data.synthetic_micc.refine import refine
from ganfit_core.mesh import Mesh

COLOURING = Colouring(hair=(0.1, 0.2, 0.3), iris=(0.2, 0.4, 0.6), clothes=(0.9, 0.1, 0.1))
SIDE = 64


def sheet(n: int = 9) -> Mesh:
    """A bent sheet of 160 by 160 mm before the origin whose texture coordinates are its x and y."""
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    uvs = np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32)
    flat = (uvs - 0.5) * 160
    depth = 80 - (flat**2).sum(axis=1, keepdims=True) / 200
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate(
        [np.stack([corner, corner + 1, corner + n], 1), np.stack([corner + 1, corner + n + 1, corner + n], 1)]
    )
    return Mesh(np.concatenate([flat, depth], axis=1), faces, uvs, faces)


def landmarks_on(mesh: Mesh) -> np.ndarray:
    """(68, 3) vertices spread over it; the last twenty, the lips, in its lower half."""
    rows = np.linspace(0, len(mesh.vertices) - 1, 48).astype(int)
    low = np.flatnonzero((np.abs(mesh.vertices[:, 0]) < 50) & (np.abs(mesh.vertices[:, 1] + 50) < 25))
    return mesh.vertices[np.concatenate([rows, low[np.arange(20) % len(low)]])]


def ramp() -> np.ndarray:
    """(3, SIDE, SIDE): red is u, green is v, blue is a half."""
    u, v = np.meshgrid((np.arange(SIDE) + 0.5) / SIDE, 1 - (np.arange(SIDE) + 0.5) / SIDE)
    return np.stack([u, v, np.full_like(u, 0.5)]).astype(np.float32)


def test_the_map_follows_the_landmarks_onto_another_shape() -> None:
    mesh = sheet()
    stretch = np.array([1.2, 0.9, 1.1])
    moved = mesh.vertices * stretch + [3.0, -8.0, 4.0]
    parts = np.full(len(moved), PARTS.index("face"), np.uint8)
    paint = paint_of(moved, parts, landmarks_on(mesh) * stretch + [3.0, -8.0, 4.0], mesh, landmarks_on(mesh))
    colours = paint(ramp(), COLOURING)
    bare = (paint.hair < 1e-3) & ~paint.clothed & (np.abs(mesh.uvs - 0.5) < 0.49).all(axis=1)
    assert bare.sum() > 10
    np.testing.assert_allclose(colours[bare, :2], mesh.uvs[bare], atol=0.02)
    np.testing.assert_allclose(colours[bare, 2], 0.5, atol=1e-3)


def test_hair_is_on_top_and_clothes_are_below() -> None:
    mesh = sheet()
    tall = mesh.vertices * [1.0, 2.5, 1.0]
    parts = np.full(len(tall), PARTS.index("face"), np.uint8)
    paint = paint_of(tall, parts, landmarks_on(mesh) * [1.0, 2.5, 1.0], mesh, landmarks_on(mesh))
    top, bottom = tall[:, 1].argmax(), tall[:, 1].argmin()
    colours = paint(ramp(), COLOURING)
    np.testing.assert_allclose(colours[top], np.array(COLOURING.hair) * paint.strand[top], atol=1e-3)
    np.testing.assert_allclose(colours[bottom], COLOURING.clothes, atol=1e-6)
    assert collar_of(tall) == -170
    assert collar_of(mesh.vertices) == mesh.vertices[:, 1].min() + 15  # a short neck has a collar, too


def test_eyes_look_ahead() -> None:
    mesh = sheet()
    directions = refine(
        np.array([[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]), 6, 3
    )
    ball = directions(np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]))
    ball *= 12 / np.linalg.norm(ball, axis=1, keepdims=True)
    eyes = np.concatenate([ball + np.array([side, 0, 60]) for side in (30, -30)])
    vertices = np.concatenate([mesh.vertices, eyes])
    parts = np.full(len(vertices), PARTS.index("face"), np.uint8)
    parts[len(mesh.vertices) :] = PARTS.index("eyes")
    paint = paint_of(vertices, parts, landmarks_on(mesh), mesh, landmarks_on(mesh))
    colours = paint(ramp(), COLOURING)[len(mesh.vertices) :].reshape(2, len(ball), 3)
    angle = np.degrees(np.arccos((ball[:, 2] / 12).clip(-1, 1)))
    np.testing.assert_array_equal(colours[0], colours[1])
    assert (colours[0, angle < 5] < 0.1).all()  # pupil
    iris = (angle > 13) & (angle < 23)
    np.testing.assert_allclose(colours[0, iris], np.broadcast_to(COLOURING.iris, (iris.sum(), 3)), atol=1e-6)
    assert (colours[0, angle > 30] > 0.5).all()  # white, the back included


def test_the_inside_of_the_mouth_is_dark() -> None:
    mesh = sheet()
    inside = landmarks_on(mesh)[48:].mean(axis=0) - [0, 0, 30]
    vertices = np.concatenate([mesh.vertices, inside[None]])
    parts = np.full(len(vertices), PARTS.index("face"), np.uint8)
    parts[-1] = PARTS.index("back")
    paint = paint_of(vertices, parts, landmarks_on(mesh), mesh, landmarks_on(mesh))
    assert paint.mouth.tolist() == [False] * len(mesh.vertices) + [True]
    assert paint(ramp(), COLOURING)[-1].max() == pytest.approx(0.12)
