"""Optimal-step non-rigid ICP: a template takes the form of a scan and keeps its own topology.

Amberg, Romdhani, Vetter, "Optimal Step Nonrigid ICP Algorithms for Surface Registration", CVPR 2007. Every vertex of
the template has an affine transformation of its own; neighbours are held together by a stiffness that is lowered step
by step, and at every stiffness the transformations are found, for the closest points of the moment, as the optimum of a
linear least-squares problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from evaluation.closest_point import ClosestPoint
from evaluation.similarity import Similarity, procrustes
from ganfit_core.mesh import Surface

UNIT_MM = 100.0
"""The registration runs in this unit, in which a face fills the paper's cube of side 2: stiffness and landmark weights
are comparable with its numbers."""


@dataclass(frozen=True)
class Schedule:
    """How the stiffness falls."""

    stiffness: tuple[float, ...] = (50.0, 20.0, 8.0, 3.0, 1.2, 0.5)
    """Alpha of Eq. 7, from nearly an affine motion of the whole to the bending of single features."""
    landmark_weight: tuple[float, ...] = (5.0, 5.0, 5.0, 5.0, 2.0, 1.0)
    """Beta of Eq. 8, one for each stiffness: landmarks lead the way; in the end each counts like any vertex, which
    keeps the surface from sliding along itself."""
    gamma: float = 1.0
    """What a difference of rotation and skew weighs against one of translation (G of Eq. 6)."""
    tolerance_mm: float = 0.05
    """The stiffness is lowered when half of the matched vertices move less than this: ears and the rim of a scan, where
    correspondences come and go, may never rest."""
    max_iterations: int = 20
    """Of one stiffness."""
    max_angle_degrees: float = 60.0
    """A closest point whose normal is further away than this from the vertex' normal is no correspondence."""
    max_distance_mm: float = 10.0
    """Nor is one further away than this: beyond lies what the scan does not show, such as the back of the head."""

    def __post_init__(self) -> None:
        if not self.stiffness or len(self.stiffness) != len(self.landmark_weight):
            raise ValueError("a schedule needs as many landmark weights as stiffnesses, and at least one")


@dataclass(frozen=True, eq=False)
class NicpResult:
    """A template registered to a scan."""

    vertices: Float[np.ndarray, "v 3"]
    """The template's vertices in the scan's frame, mm."""
    matched: Bool[np.ndarray, " v"]
    """The vertices that had a correspondence in the end; the others were only carried along."""
    start: Similarity
    """Template to scan, by the landmarks: where the registration began."""
    rmse: float
    """Of the matched vertices' distances to the scan, mm."""
    iterations: int
    converged: bool
    """Whether the vertices came to rest at every stiffness within its iterations."""


def nicp(
    template: Surface,
    scan: Surface | ClosestPoint,
    template_landmarks: Float[np.ndarray, "l 3"],
    scan_landmarks: Float[np.ndarray, "l 3"],
    schedule: Schedule | None = None,
) -> NicpResult:
    """Register a template to a scan, both in mm, by landmarks and surface.

    Points of the template are dropped where their closest point lies on the scan's border (the rest of the head, holes)
    or looks another way (Section 4.4 of the paper; its third test, self-intersection, is left out). Which way the
    scan's triangles are wound does not matter, as long as most are wound alike.

    Args:
        template: what is deformed; every vertex must belong to a triangle.
        scan: the surface that is approached, of any topology and partial.
        template_landmarks: on or near the template's surface; rows with NaN are not used.
        scan_landmarks: the same points of the scan, in its frame; rows with NaN are not used.
        schedule: the stiffnesses, the published kind of sequence unless given.

    Raises:
        ValueError: fewer than three landmarks are known on both sides, or they lie on a line.
    """
    schedule = schedule or Schedule()
    known = np.isfinite(template_landmarks).all(axis=1) & np.isfinite(scan_landmarks).all(axis=1)
    if known.sum() < 3:
        raise ValueError(f"a registration begins at three landmarks or more, {known.sum()} are known on both sides")
    start = procrustes(template_landmarks[known], scan_landmarks[known], with_scale=True)
    closest = scan if isinstance(scan, ClosestPoint) else ClosestPoint(scan)

    vertices = start.apply(template.vertices)
    centre = vertices.mean(axis=0)
    faces = template.faces
    marks = _barycentric(template, template_landmarks[known])
    problem = _Problem((vertices - centre) / UNIT_MM, faces, marks, (scan_landmarks[known] - centre) / UNIT_MM)

    total, converged = 0, True
    limit = np.cos(np.radians(schedule.max_angle_degrees))
    scan_normals = closest.normals * _winding(closest, vertices, faces)
    for stiffness, weight in zip(schedule.stiffness, schedule.landmark_weight, strict=True):
        rests = False
        for _ in range(schedule.max_iterations):
            found = closest(vertices)
            agrees = (vertex_normals(vertices, faces) * scan_normals[found.triangles]).sum(axis=1) > limit
            matched = agrees & ~found.on_border & (found.distances < schedule.max_distance_mm)
            moved = problem.solve((found.points - centre) / UNIT_MM, matched, stiffness, weight, schedule.gamma)
            moved = moved * UNIT_MM + centre
            steps = np.linalg.norm(moved - vertices, axis=1)[matched]
            vertices = moved
            total += 1
            if rests := bool(len(steps) and np.median(steps) < schedule.tolerance_mm):
                break
        converged &= rests
    distances = closest(vertices[matched]).distances
    rmse = float(np.sqrt(np.square(distances).mean())) if matched.any() else np.nan
    return NicpResult(vertices, matched, start, rmse, total, converged)


def _winding(closest: ClosestPoint, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    """1 where the scan's normals point to the same side as the template's at most of the vertices over it, else -1."""
    found = closest(vertices)
    along = (vertex_normals(vertices, faces) * closest.normals[found.triangles]).sum(axis=1)
    return -1.0 if np.sign(along[~found.on_border]).sum() < 0 else 1.0


class _Problem:
    """The least-squares problem of Eq. 12 for the 4V x 3 unknowns X, solved through its normal equations.

    The stiffness and landmark terms never change but by their weights, the data term is block diagonal: only the
    factorisation is left to an iteration. The transformations that are solved for are differences from the identity,
    so that a template without any correspondence stays where it is.
    """

    DAMPING = 1e-8
    """Weight of the identity; holds parts of the template that nothing else ties down."""

    def __init__(
        self,
        vertices: NDArray[np.float64],
        faces: NDArray[np.int64],
        marks: sparse.csr_array,
        mark_targets: NDArray[np.float64],
    ) -> None:
        count = len(vertices)
        self.vertices = vertices
        self.homogeneous = np.concatenate([vertices, np.ones((count, 1))], axis=1)
        self.positions = _block_rows(self.homogeneous)
        incidence = _incidence(faces, count)
        self.laplacian = (incidence.T @ incidence).tocsc()
        landmark_rows = (marks @ self.positions).tocsr()
        self.landmarks = (landmark_rows.T @ landmark_rows).tocsc()
        self.landmark_side = landmark_rows.T @ (mark_targets - marks @ vertices)

    def solve(
        self,
        targets: NDArray[np.float64],
        matched: NDArray[np.bool_],
        stiffness: float,
        landmark_weight: float,
        gamma: float,
    ) -> NDArray[np.float64]:
        """The template's vertices at the optimum for these targets."""
        count = len(targets)
        blocks = self.homogeneous[:, :, None] * self.homogeneous[:, None, :] * matched[:, None, None]
        data = sparse.bsr_array((blocks, np.arange(count), np.arange(count + 1)), shape=(4 * count, 4 * count))
        smooth = sparse.kron(stiffness**2 * self.laplacian, sparse.diags_array([1.0, 1.0, 1.0, gamma**2]))
        identity = self.DAMPING * sparse.eye_array(4 * count)
        normal = (smooth + data + landmark_weight**2 * self.landmarks + identity).tocsc()
        side = self.positions.T @ (matched[:, None] * (targets - self.vertices))
        # The matrix is symmetric and positive definite: no pivoting, which keeps the factor sparse.
        factor = splu(normal, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        change = factor.solve(side + landmark_weight**2 * self.landmark_side)
        return self.vertices + self.positions @ change


def vertex_normals(vertices: Float[np.ndarray, "v 3"], faces: Int64[np.ndarray, "f 3"]) -> Float[np.ndarray, "v 3"]:
    """Unit normals of the vertices: those of the triangles around, weighted by their areas."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    face_normals = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], face_normals)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(np.float64).tiny)


def _incidence(faces: NDArray[np.int64], count: int) -> sparse.csr_array:
    """Node-arc incidence matrix (E, V) of the mesh: one row for each edge, -1 and 1 at its ends."""
    edges = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    rows = np.repeat(np.arange(len(edges)), 2)
    return sparse.csr_array((np.tile([-1.0, 1.0], len(edges)), (rows, edges.ravel())), shape=(len(edges), count))


def _block_rows(homogeneous: NDArray[np.float64]) -> sparse.csr_array:
    """D of Eq. 8 (V, 4V): row i holds the i-th homogeneous position in its own four columns."""
    count = len(homogeneous)
    return sparse.csr_array(
        (homogeneous.ravel(), np.arange(4 * count), np.arange(0, 4 * count + 1, 4)), shape=(count, 4 * count)
    )


def _barycentric(surface: Surface, points: NDArray[np.floating]) -> sparse.csr_array:
    """(L, V) weights of the vertices that give the surface's points closest to these."""
    found = ClosestPoint(surface)(points)
    corners = surface.faces[found.triangles]
    a, b, c = (surface.vertices[corners[:, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    area = np.square(normal).sum(axis=1)
    weight_b = (np.cross(found.points - a, c - a) * normal).sum(axis=1) / area
    weight_c = (np.cross(b - a, found.points - a) * normal).sum(axis=1) / area
    weights = np.stack([1 - weight_b - weight_c, weight_b, weight_c], axis=1)
    rows = np.repeat(np.arange(len(points)), 3)
    return sparse.csr_array((weights.ravel(), (rows, corners.ravel())), shape=(len(points), len(surface.vertices)))
