"""How far one surface is from another: distances of its vertices, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float64

from evaluation.closest_point import ClosestPoint
from ganfit_core.mesh import Surface

Measure = Callable[[Surface, Surface], Float64[np.ndarray, " v"]]
"""Distances in millimetres of the first surface's vertices from the second surface."""


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


def to_surface(a: Surface, b: Surface) -> Float64[np.ndarray, " v"]:
    """Distances of a's vertices from the closest points ON b, in millimetres."""
    return ClosestPoint(b)(a.vertices).distances


def to_tangent_plane(a: Surface, b: Surface) -> Float64[np.ndarray, " v"]:
    """Distances of a's vertices from the planes of b's closest triangles: |(p - q) . n|, in millimetres.

    q is the closest point on b, n the normal of its triangle. Never more than `to_surface`, and less where the closest
    point lies on an edge, in a corner, or on the border of b.
    """
    target = ClosestPoint(b)
    closest = target(a.vertices)
    return np.abs(((a.vertices - closest.points) * target.normals[closest.triangles]).sum(axis=1))


def one_sided(a: Surface, b: Surface, measure: Measure) -> Statistics:
    """Statistics of the distances of a's vertices from b."""
    return Statistics.of(measure(a, b))


def symmetric(a: Surface, b: Surface, measure: Measure) -> Statistics:
    """The mean of both directions, number by number: the two weigh the same, however many vertices each has."""
    there, back = one_sided(a, b, measure), one_sided(b, a, measure)
    return Statistics(
        (there.mean + back.mean) / 2, (there.rmse + back.rmse) / 2, (there.median + back.median) / 2, there.n + back.n
    )
