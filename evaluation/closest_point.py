"""The closest points of a surface.

Open3D's ray-casting scene finds the triangle, in float32; the point is computed again on that triangle in float64, so
that an alignment is not limited to the micrometres that float32 tells apart at the size of a head.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy.typing import NDArray

from evaluation.weld import welded
from ganfit_core.mesh import Surface

_THREADS = 1  # scans are shared out to processes, which must not fight over the cores
_NO_AREA = 1e-12
"""Squared sine of two edges' angle below which a triangle counts as a line."""


class Closest(NamedTuple):
    """What of a surface is closest to each of N points."""

    points: Float64[np.ndarray, "n 3"]
    """On the surface, millimetres."""
    triangles: Int64[np.ndarray, " n"]
    """The triangle on which each lies; one of several where it lies on an edge or a corner."""
    distances: Float64[np.ndarray, " n"]
    """Millimetres, never negative."""
    on_border: Bool[np.ndarray, " n"]
    """Whether it lies on the border of the surface: an edge that has one triangle only, or a corner of such an edge.
    Vertices that lie in one place are one: a seam of the texture is no border."""


class ClosestPoint:
    """Finds the closest points of one surface; built once (40 ms for 50,000 vertices), asked often.

    Raises ValueError for a surface without triangles, or with numbers that are not finite.
    """

    def __init__(self, surface: Surface) -> None:
        from open3d import core, t  # late: the import takes a second

        self.vertices = np.asarray(surface.vertices, np.float64)
        self.faces = np.asarray(surface.faces, np.int64)
        if not len(self.faces):
            raise ValueError("a surface without triangles has no closest points")
        if not np.isfinite(self.vertices).all():
            raise ValueError("the surface has vertices that are not finite")
        self._corners = self.vertices[self.faces]
        self._tensor = core.Tensor.from_numpy
        # Around the centre float32 is finest, wherever a scanner put the origin.
        self._centre = (self._corners.min(axis=(0, 1)) + self._corners.max(axis=(0, 1))) / 2
        self._scene = t.geometry.RaycastingScene(nthreads=_THREADS)
        self._scene.add_triangles(self._single(self.vertices), self._tensor(self.faces.astype(np.uint32)))

    def __call__(self, points: Float[np.ndarray, "n 3"]) -> Closest:
        """The closest point of the surface for each point. Raises ValueError for points that are not finite."""
        points = np.asarray(points, np.float64)
        if not np.isfinite(points).all():
            raise ValueError("points that are not finite have no closest points")
        found = self._scene.compute_closest_points(self._single(points), nthreads=_THREADS)
        triangles = found["primitive_ids"].numpy().astype(np.int64)
        weights = _closest_weights(points, self._corners[triangles])
        closest = np.einsum("nc,ncd->nd", weights, self._corners[triangles])
        distances = np.linalg.norm(points - closest, axis=1)
        return Closest(closest, triangles, distances, self._on_border(triangles, weights))

    @cached_property
    def normals(self) -> Float64[np.ndarray, "f 3"]:
        """Unit normals of the triangles, by the right-hand rule; zero for a triangle without area."""
        a, b, c = self._corners.transpose(1, 0, 2)
        cross = np.cross(b - a, c - a)
        length = np.linalg.norm(cross, axis=1, keepdims=True)
        return np.divide(cross, length, out=np.zeros_like(cross), where=length > 0)

    def _single(self, points: NDArray[np.float64]) -> Any:
        return self._tensor((points - self._centre).astype(np.float32))

    @cached_property
    def _border(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which edges (F, 3), each opposite its corner, and which corners (F, 3) lie on the border."""
        faces = welded(self.vertices, self.faces)
        edges = np.sort(faces[:, [[1, 2], [2, 0], [0, 1]]], axis=2).reshape(-1, 2)
        keys = edges[:, 0] * len(self.vertices) + edges[:, 1]
        _, which, count = np.unique(keys, return_inverse=True, return_counts=True)
        alone = count[which] == 1
        of_border = np.zeros(len(self.vertices), bool)
        of_border[edges[alone]] = True
        return alone.reshape(-1, 3), of_border[faces]

    def _on_border(self, triangles: NDArray[np.int64], weights: NDArray[np.float64]) -> NDArray[np.bool_]:
        edges, corners = self._border
        on_edge = ((weights == 0) & edges[triangles]).any(axis=1)
        return on_edge | ((weights == 1) & corners[triangles]).any(axis=1)


def _closest_weights(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Barycentric weights (N, 3) of the point of each triangle (N, 3 corners, 3) closest to each point (N, 3).

    On an edge the weight of the opposite corner is exactly 0, in a corner its weight is exactly 1.
    """
    a, b, c = corners.transpose(1, 0, 2)
    weights = _plane_weights(points - a, b - a, c - a)
    outside = np.flatnonzero(~(weights > 0).all(axis=1))  # so are triangles without area: nan
    weights[outside] = _closest_edge_weights(points[outside], corners[outside])
    return weights


def _plane_weights(point: NDArray[np.float64], ab: NDArray[np.float64], ac: NDArray[np.float64]) -> NDArray[np.float64]:
    """Barycentric weights of the foot of the perpendicular; not a number where the triangle has no area to speak of."""
    bb, bc, cc = (ab * ab).sum(axis=1), (ab * ac).sum(axis=1), (ac * ac).sum(axis=1)
    pb, pc = (point * ab).sum(axis=1), (point * ac).sum(axis=1)
    determinant = bb * cc - bc * bc
    determinant[determinant <= _NO_AREA * bb * cc] = np.nan
    v, w = (cc * pb - bc * pc) / determinant, (bb * pc - bc * pb) / determinant
    return np.stack([1 - v - w, v, w], axis=1)


def _closest_edge_weights(points: NDArray[np.float64], corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for the closest point on one of the three edges."""
    best = np.full(len(points), np.inf)
    weights = np.zeros((len(points), 3))
    for i, j in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[:, i], corners[:, j] - corners[:, i]
        length = (edge * edge).sum(axis=1)
        along = ((points - start) * edge).sum(axis=1)
        share = np.divide(along, length, out=np.zeros_like(along), where=length > 0).clip(0, 1)
        distance = ((start + share[:, None] * edge - points) ** 2).sum(axis=1)
        nearer = np.flatnonzero(distance < best)
        best[nearer] = distance[nearer]
        weights[nearer] = 0
        weights[nearer, i], weights[nearer, j] = 1 - share[nearer], share[nearer]
    return weights
