"""Surfaces of known shape, for tests of alignment and distance."""

from __future__ import annotations

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from evaluation.similarity import Similarity
from ganfit_core.mesh import Surface


def sphere(radius: float, subdivisions: int = 4) -> Surface:
    """A triangulated sphere around the origin; its vertices lie on it, its triangles a little inside."""
    mesh = trimesh.creation.icosphere(subdivisions, radius)
    return Surface(np.array(mesh.vertices), np.array(mesh.faces, np.int64))


def relief(width: float, spacing: float, shift: float = 0.0) -> Surface:
    """A square of a face-like relief, seen from +z: a vaulted sheet with a nose and two cheeks, 25 mm high.

    `shift` moves the grid along the sheet, so that the same form is had from other vertices.
    """
    ticks = np.arange(-width / 2, width / 2 + spacing / 2, spacing) + shift
    x, y = np.meshgrid(ticks, ticks)
    n = len(ticks)
    corner = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + n + 1], axis=1)
    upper = np.stack([corner, corner + n + 1, corner + n], axis=1)
    vertices = np.stack([x, y, height(x, y)], axis=-1).reshape(-1, 3)
    return Surface(vertices, np.concatenate([lower, upper]))


def height(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """z of the relief, in mm."""
    vault = -(x**2) / 180 - y**2 / 260
    nose = 18 * np.exp(-(x**2) / 120 - (y + 4) ** 2 / 300)
    cheeks = 4 * np.exp(-((np.abs(x) - 25) ** 2) / 200 - (y - 8) ** 2 / 150) + 1.5 * np.sin(x / 9) * np.cos(y / 11)
    return vault + nose + cheeks


def similarity(scale: float, degrees: tuple[float, float, float], shift: tuple[float, float, float]) -> Similarity:
    """From a scale, a rotation vector in degrees and a shift in mm."""
    return Similarity(scale, Rotation.from_rotvec(degrees, degrees=True).as_matrix(), np.array(shift))


def moved(surface: Surface, transform: Similarity) -> Surface:
    """The surface elsewhere."""
    return Surface(transform.apply(surface.vertices), surface.faces)
