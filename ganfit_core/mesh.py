"""The mesh types that every part of the project exchanges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh.

    Attributes:
        vertices: (V, 3) float, millimetres.
        faces: (F, 3) int64 vertex indices.
    """

    vertices: NDArray[np.floating]
    faces: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Mesh(Surface):
    """A triangle mesh with texture coordinates, in the model frame.

    Attributes:
        vertices: (V, 3) float32, millimetres.
        faces: (F, 3) int64 vertex indices.
        uvs: (T, 2) float32, (0, 0) bottom-left.
        uv_faces: (F, 3) int64 indices into `uvs`; they differ from `faces` along a UV seam.
    """

    uvs: NDArray[np.float32]
    uv_faces: NDArray[np.int64]
