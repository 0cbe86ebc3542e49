"""Iterative closest points: the rigid motion or similarity that lays one surface on another.

Besl and McKay 1992 (point to point), Chen and Medioni 1992 (point to plane). The closest points are those on the
target's surface, not its vertices: vertices alone overstate distances by their spacing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from evaluation.closest_point import ClosestPoint
from evaluation.similarity import DegenerateError, Similarity, procrustes
from ganfit_core.mesh import Surface

Mode = Literal["rigid", "similarity"]
Objective = Literal["point_to_point", "point_to_plane"]
_SINGULAR = 1e-12
"""A motion that changes the residuals less than this, relative to the others, is not determined by the pairs."""


@dataclass(frozen=True, eq=False)
class IcpResult:
    """Where an alignment ended."""

    transform: Similarity
    """Takes the source to the target."""
    rmse: float
    """Root of the mean squared residual of the objective over the pairs that count, at `transform`, millimetres."""
    iterations: int
    """Steps taken."""
    converged: bool
    """Whether the last step changed the rmse by no more than the tolerance."""

    @property
    def scale(self) -> float:
        """The transformation's."""
        return self.transform.scale


def icp(
    source: Surface,
    target: Surface | ClosestPoint,
    start: Similarity,
    mode: Mode,
    objective: Objective,
    tolerance: float,
    max_iterations: int,
    reject_border: bool = True,
) -> IcpResult:
    """Lay the source's vertices on the target's surface.

    Every step pairs each vertex with the closest point on the target, then moves the source so as to minimise the sum
    of squared distances between the pairs: "point_to_point" by `procrustes`, "point_to_plane" (distances along the
    normals of the target's triangles) by a linearised step. A scale that is free belongs to the sum over the source's
    vertices in the target's units, and shrinks where pairs are wrong: look at it.

    Args:
        start: takes the source near the target. Its scale is kept in mode "rigid".
        mode: "rigid" leaves the scale alone, "similarity" finds it too.
        tolerance: millimetres; the end is reached when a step changes the rmse by no more.
        max_iterations: most steps.
        reject_border: pairs whose closest point lies on the target's border do not count: the rest of a partial scan
            would be drawn to its rim.

    Raises:
        DegenerateError: too few pairs count, or they leave a motion undetermined, as on a sphere.
        ValueError: the target has no triangles, or a vertex is not finite.
    """
    find = target if isinstance(target, ClosestPoint) else ClosestPoint(target)
    transform = start
    previous = np.inf
    for iteration in range(max_iterations + 1):
        points = transform.apply(source.vertices)
        closest = find(points)
        counts = ~closest.on_border if reject_border else np.ones(len(points), bool)
        if not counts.any():
            raise DegenerateError("no vertex has its closest point inside the target's border")
        points, matches = points[counts], closest.points[counts]
        if objective == "point_to_point":
            rmse = _root_mean_square(np.linalg.norm(points - matches, axis=1))
        else:
            normals = find.normals[closest.triangles[counts]]
            rmse = _root_mean_square(((points - matches) * normals).sum(axis=1))
        converged = abs(previous - rmse) <= tolerance
        if converged or iteration == max_iterations:
            break
        previous = rmse
        if objective == "point_to_point":
            step = procrustes(points, matches, with_scale=mode == "similarity")
        else:
            step = plane_step(points, matches, normals, with_scale=mode == "similarity")
        transform = transform.then(step)
    return IcpResult(transform, rmse, iteration, converged)


def plane_step(
    points: Float[np.ndarray, "n 3"],
    matches: Float[np.ndarray, "n 3"],
    normals: Float[np.ndarray, "n 3"],
    with_scale: bool,
) -> Similarity:
    """One Gauss-Newton step towards the least sum of squared distances ((T p - q) . n)^2.

    T p = exp(sigma) exp([omega]) (p - c) + c + t about the centroid c is linearised in omega, t and sigma (Low 2004,
    "Linear least-squares optimization for point-to-plane ICP surface registration", with a logarithm of scale added):
    (p - q) . n + ((p - c) x n) . omega + n . t + sigma (p - c) . n.

    Raises DegenerateError where the pairs leave a motion undetermined: on a sphere, a plane, or with too few of them.
    """
    centre = points.mean(axis=0)
    centred = points - centre
    radius = _root_mean_square(np.linalg.norm(centred, axis=1))
    if not radius:
        raise DegenerateError("all points lie in one place")
    # Angles and the logarithm of scale in units of 1 / radius are lengths, like t: the columns become comparable.
    columns = [np.cross(centred, normals) / radius, normals]
    if with_scale:
        columns.append((centred * normals).sum(axis=1, keepdims=True) / radius)
    jacobian = np.concatenate(columns, axis=1)
    residuals = ((points - matches) * normals).sum(axis=1)
    values, vectors = np.linalg.eigh(jacobian.T @ jacobian)
    if values[0] <= _SINGULAR * values[-1]:
        raise DegenerateError("the pairs leave a motion undetermined: too few, or on a plane, a sphere or a cylinder")
    solution = -vectors @ ((vectors.T @ (jacobian.T @ residuals)) / values)
    rotation = Rotation.from_rotvec(solution[:3] / radius).as_matrix()
    scale = float(np.exp(solution[6] / radius)) if with_scale else 1.0
    return Similarity(scale, rotation, centre + solution[3:6] - scale * rotation @ centre)


def global_scale(pairs: Iterable[tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3"]]]) -> float:
    """The one scale for all subjects (Genova et al. 2018): least squares over all of them at once.

    Each pair is the points of a prediction and their counterparts on a scan, rigidly aligned. With x and y taken about
    the centroids of their own pair, s = sum <x, y> / sum <x, x> minimises sum |s x - y|^2.

    Raises:
        DegenerateError: there are no pairs, or the points of all of them lie in one place.
        ValueError: shapes differ within a pair.
    """
    inner = square = 0.0
    for source, target in pairs:
        if source.shape != target.shape:
            raise ValueError(f"shapes differ: {source.shape}, {target.shape}")
        x, y = source - source.mean(axis=0), target - target.mean(axis=0)
        inner += float((x * y).sum())
        square += float((x * x).sum())
    if not square:
        raise DegenerateError("no points, or all in one place: they determine no scale")
    return inner / square


def _root_mean_square(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
