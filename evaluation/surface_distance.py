"""How far one surface is from another: distances of its points, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from evaluation.closest_point import Closest, ClosestPoint


class Distances(NamedTuple):
    """Of points from a surface."""

    values: Float64[np.ndarray, " n"]
    """Millimetres."""
    closest: Closest
    """What of the surface they are measured from."""


Measure = Callable[[Float[np.ndarray, "n 3"], ClosestPoint], Distances]
"""How points are measured from a surface."""


class Statistics(NamedTuple):
    """Distances in few numbers."""

    mean: float
    """Of the absolute distances, millimetres."""
    rmse: float
    """Root of the mean square, millimetres."""
    median: float
    """Millimetres."""
    n: int
    """How many distances."""

    @classmethod
    def of(cls, distances: Float[np.ndarray, " n"]) -> Statistics:
        """The statistics of some distances. Raises ValueError where there are none."""
        if not len(distances):
            raise ValueError("there are no distances")
        return cls(
            float(np.mean(distances)),
            float(np.sqrt(np.mean(np.square(distances)))),
            float(np.median(distances)),
            len(distances),
        )

    @classmethod
    def mean_of(cls, directions: Sequence[Float[np.ndarray, " n"]]) -> Statistics:
        """Number by number the mean over directions: each weighs the same, however many distances it has.

        Raises ValueError where there are none in one of them, or no direction.
        """
        if not directions:
            raise ValueError("there are no directions to measure in")
        each = [cls.of(distances) for distances in directions]
        mean, rmse, median = (float(np.mean([one[number] for one in each])) for number in range(3))
        return cls(mean, rmse, median, sum(one.n for one in each))


def to_surface(points: Float[np.ndarray, "n 3"], target: ClosestPoint) -> Distances:
    """Distances of points from the closest points ON a surface, in millimetres."""
    closest = target(points)
    return Distances(closest.distances, closest)


def to_tangent_plane(points: Float[np.ndarray, "n 3"], target: ClosestPoint) -> Distances:
    """Distances of points from the planes of a surface's closest triangles: |(p - q) . n|, in millimetres.

    q is the closest point, n the normal of its triangle. Never more than `to_surface`, and less where the closest point
    lies on an edge, in a corner, or on the border.
    """
    closest = target(points)
    return Distances(along(points - closest.points, target.normals[closest.triangles]), closest)


def along(apart: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]) -> Float64[np.ndarray, " n"]:
    """Lengths of differences along unit normals, without their signs."""
    return np.abs((apart * normals).sum(axis=1))
