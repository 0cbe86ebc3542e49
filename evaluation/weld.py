"""Vertices that lie in one place made one: files split them along texture seams, or give each triangle its own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int64


def welded(vertices: Float[np.ndarray, "v 3"], faces: Int64[np.ndarray, "f 3"]) -> Int64[np.ndarray, "f 3"]:
    """The triangles with every corner the first of the vertices that lie exactly where it does."""
    _, first, which = np.unique(vertices, axis=0, return_index=True, return_inverse=True)
    return first[which.reshape(-1)][faces]
