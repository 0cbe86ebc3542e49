"""Finer triangles on the same surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int64
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Refinement:
    """Every triangle cut in four at its edges' middles, several times over.

    Attributes:
        faces: (F, 3) the small triangles. The first vertices are the coarse ones.
        edges: for each time, (E, 2): the ends of the edges whose middles are added.
    """

    faces: Int64[np.ndarray, "f 3"]
    edges: tuple[Int64[np.ndarray, "e 2"], ...]

    def __call__(self, values: Float[np.ndarray, "*b v c"]) -> Float[np.ndarray, "*b w c"]:
        """Values at the fine vertices from those at the coarse ones; at a middle it is the mean of the ends'."""
        for ends in self.edges:
            middles = (values[..., ends[:, 0], :] + values[..., ends[:, 1], :]) / 2
            values = np.concatenate([values, middles], axis=-2)
        return values

    def codes(self, values: NDArray[Any]) -> NDArray[Any]:
        """Labels (V,) of the coarse vertices for the fine ones: at a middle the smaller of the ends'."""
        for ends in self.edges:
            values = np.concatenate([values, values[ends].min(axis=1)])
        return values


def refine(faces: Int64[np.ndarray, "f 3"], n_vertices: int, levels: int) -> Refinement:
    """Cut triangles in four, `levels` times; neighbours share their new vertices."""
    edges = []
    for _ in range(levels):
        sides = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        # As one number each: sorted ten times faster than rows.
        unique, place = np.unique(sides[:, 0] * n_vertices + sides[:, 1], return_inverse=True)
        edges.append(np.stack(np.divmod(unique, n_vertices), axis=1))
        a, b, c = faces.T
        ab, bc, ca = n_vertices + place.reshape(-1, 3).T
        corners = [[a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]]
        faces = np.stack([np.stack(triangle, axis=1) for triangle in corners], axis=1).reshape(-1, 3)
        n_vertices += len(unique)
    return Refinement(faces.astype(np.int64), tuple(edges))
