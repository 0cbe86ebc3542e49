"""What a corruption is given, and what it makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, UInt8

from ganfit_core.perception.align import similarity
from ganfit_core.perception.template import TEMPLATE_68

_LEAST_SIDE = 4.0
"""Pixels of the photograph per unit of the face, below which there is nothing to follow."""


@dataclass(frozen=True, eq=False)
class Corrupted:
    """A spoilt photograph."""

    image: UInt8[np.ndarray, "h w 3"]
    """sRGB."""
    covered: Bool[np.ndarray, "h w"]
    """Pixels that an occluder hides, wholly or in part: those outside are the photograph's. None of a degradation."""
    parameters: dict[str, float]
    """What was drawn, enough to say what was done: lengths in units of the face, see `Face`."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a frame of its own: upright, the mean face's (TEMPLATE_68), whose eyes are 0.27 apart."""

    points: Float64[np.ndarray, "68 2"]
    """The landmarks in that frame: what tells this face and its pose from the mean face."""
    matrix: Float64[np.ndarray, "2 3"]
    """Similarity from the frame to the photograph's pixels (pixel centres at half-integers)."""

    @classmethod
    def of(cls, landmarks: Float64[np.ndarray, "68 2"]) -> Face:
        """The face of 68 landmarks in photograph pixels. Raises ValueError where they do not lie as a face's do."""
        matrix = similarity(TEMPLATE_68, landmarks)
        side = np.hypot(*matrix[:, 0])
        if side < _LEAST_SIDE:
            raise ValueError(f"landmarks of no face: the mean face is {side:.2g} px wide where it fits them best")
        return cls((landmarks - matrix[:, 2]) @ matrix[:, :2] / side**2, matrix)

    @property
    def side(self) -> float:
        """Pixels of the photograph per unit of the frame."""
        return float(np.hypot(*self.matrix[:, 0]))

    @property
    def turned(self) -> Float64[np.ndarray, "2 3"]:
        """Affine map from the mean face to this one, in the frame: a head that is turned looks narrow."""
        source = np.column_stack([TEMPLATE_68, np.ones(len(TEMPLATE_68))])
        return np.linalg.lstsq(source, self.points)[0].T


Corruption = Callable[[UInt8[np.ndarray, "h w 3"], Face, np.random.Generator], Corrupted]
"""Spoils a photograph, following the face; all chance is the generator's."""
