"""From a photo to its faces: detection, then 68 landmarks on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32, UInt8

from ganfit_core.perception.detect import Detection


@runtime_checkable
class Detector(Protocol):
    """Finds faces, largest first, as `CenterFace` does."""

    def __call__(self, rgb: UInt8[np.ndarray, "h w 3"]) -> list[Detection]: ...


@runtime_checkable
class LandmarkPredictor(Protocol):
    """Places 68 landmarks (iBUG order) on the face in a box, as `DlibLandmarks` does."""

    def __call__(
        self, rgb: UInt8[np.ndarray, "h w 3"], box: Float[np.ndarray, "4"], points: Float[np.ndarray, "5 2"] | None
    ) -> Float32[np.ndarray, "68 2"]: ...


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face, in photo pixels (pixel centres at half-integers)."""

    detection: Detection
    landmarks: Float32[np.ndarray, "68 2"]


def find_faces(rgb: UInt8[np.ndarray, "h w 3"], detector: Detector, landmarks: LandmarkPredictor) -> list[Face]:
    """All faces of a photo, largest first; [] if there is none."""
    return [Face(found, landmarks(rgb, found.box, found.points)) for found in detector(rgb)]
