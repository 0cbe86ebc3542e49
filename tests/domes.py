"""A surface that resembles a face enough for alignments: a dome with a nose, a brow and two hollows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganfit_core.mesh import Surface

_NOSE = (0.0, -5.0)
_EYES = ((-32.0, 25.0), (-14.0, 25.0), (14.0, 25.0), (32.0, 25.0))


def height(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """z in mm."""

    def bump(at: tuple[float, float], high: float, wide: float) -> NDArray[np.float64]:
        return high * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * wide**2))

    dome = 90 - (x**2 + y**2) / 130 - 2e-7 * (x**4 + y**4)
    return dome + bump(_NOSE, 18, 9) + bump((0, 40), 5, 22) - bump((-23, 25), 6, 9) - bump((23, 25), 6, 9)


def dome(across: int = 41, half: float = 75.0) -> Surface:
    """A square piece of it, `across` vertices to a side."""
    axis = np.linspace(-half, half, across)
    x, y = (grid.ravel() for grid in np.meshgrid(axis, axis))
    corner = (np.arange(across - 1)[:, None] * across + np.arange(across - 1)).ravel()
    lower = np.stack([corner, corner + 1, corner + across], axis=1)
    upper = np.stack([corner + 1, corner + across + 1, corner + across], axis=1)
    return Surface(np.stack([x, y, height(x, y)], axis=1), np.concatenate([lower, upper]))


def landmarks() -> NDArray[np.float64]:
    """68 points on it; the nose tip, the corners of the eyes and the mouth where the protocols look for them."""
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    xy = np.stack([50 * np.cos(angles), 45 * np.sin(angles)], axis=1)
    xy[30], xy[33], xy[48], xy[54] = _NOSE, (0, -18), (-22, -38), (22, -38)
    xy[[36, 39, 42, 45]] = _EYES
    return np.column_stack([xy, height(*xy.T)])
