"""The part of a surface within a ball: a scan holds hair, ears and clothes that no protocol measures."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from evaluation.weld import welded
from ganfit_core.mesh import Surface


def crop_ball(surface: Surface, centre: Float[np.ndarray, "3"], radius_mm: float) -> Surface:
    """The triangles all of whose corners lie within `radius_mm` of the centre, by the straight line.

    The corners keep their order, and no others are left; those that lie in one place are one, which counts once. Raises
    ValueError where no triangle remains.
    """
    if not np.isfinite(centre).all():
        raise ValueError("the centre of the crop is unknown")
    near = np.linalg.norm(np.asarray(surface.vertices, np.float64) - centre, axis=1) <= radius_mm
    inside = surface.faces[near[surface.faces].all(axis=1)]
    if not len(inside):
        raise ValueError(f"nothing of the surface lies within {radius_mm:g} mm of the crop's centre")
    inside = welded(surface.vertices, inside)
    kept = np.unique(inside)
    return Surface(surface.vertices[kept], np.searchsorted(kept, inside))
