"""Which pixels of a photograph are compared."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import ConvexHull, QhullError


def landmark_hull(points: Float[np.ndarray, "n 2"], shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Where a pixel's centre lies in the convex hull of some points, in pixels with centres at half-integers.

    Raises:
        ValueError: the points span no area.
    """
    try:
        sides = ConvexHull(points).equations
    except QhullError as error:
        raise ValueError("the landmarks span no area") from error
    y, x = np.indices(shape) + 0.5
    return np.all([a * x + b * y + c <= 0 for a, b, c in sides], axis=0)
