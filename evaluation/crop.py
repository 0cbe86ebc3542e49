"""The part of a surface within a ball: a scan holds hair, ears and clothes that no protocol measures."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray

from ganfit_core.mesh import Surface


def crop_ball(surface: Surface, centre: Float[np.ndarray, "3"], radius_mm: float) -> Surface:
    """The triangles all of whose corners lie within `radius_mm` of the centre, by the straight line.

    The corners keep their order, and no others are left; `kept_vertices` says which they were. Raises ValueError where
    no triangle remains.
    """
    inside = _inside(surface, centre, radius_mm)
    kept = np.unique(inside)
    return Surface(surface.vertices[kept], np.searchsorted(kept, inside))


def kept_vertices(surface: Surface, centre: Float[np.ndarray, "3"], radius_mm: float) -> Int64[np.ndarray, " k"]:
    """Indices of the vertices that `crop_ball` keeps, in its order. Raises ValueError where no triangle remains."""
    return np.unique(_inside(surface, centre, radius_mm))


def _inside(surface: Surface, centre: NDArray[np.floating], radius_mm: float) -> NDArray[np.int64]:
    """The triangles within the ball, with the vertices' old numbers."""
    if not np.isfinite(centre).all():
        raise ValueError("the centre of the crop is unknown")
    near = np.linalg.norm(np.asarray(surface.vertices, np.float64) - centre, axis=1) <= radius_mm
    inside = surface.faces[near[surface.faces].all(axis=1)]
    if not len(inside):
        raise ValueError(f"nothing of the surface lies within {radius_mm:g} mm of the crop's centre")
    return inside
