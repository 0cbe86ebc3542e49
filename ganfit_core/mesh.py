"""The mesh type that every part of the project exchanges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Mesh:
    """A triangle mesh with texture coordinates.

    Attributes:
        vertices: (V, 3) float32, millimetres in the model frame.
        faces: (F, 3) int64 vertex indices.
        uvs: (T, 2) float32, (0, 0) bottom-left.
        uv_faces: (F, 3) int64 indices into `uvs`; they differ from `faces` along a UV seam.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int64]
    uvs: NDArray[np.float32]
    uv_faces: NDArray[np.int64]
