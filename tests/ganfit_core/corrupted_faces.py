"""Faces in several poses for the tests of corruptions, and what of them is hidden."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float64
from skimage.data import astronaut

from ganfit_core.camera import project
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception.align import transform
from tests.heads import camera

SIZE = 160
POSES = ((0.0, 0.0, 0.0), (22.0, 0.0, 10.0), (-22.0, 10.0, -20.0), (10.0, -15.0, 60.0))
"""Yaw, pitch and roll, degrees. Of heads that are turned farther, the model's jaw points are hidden behind the cheek,
where a photograph's landmarks lie on its outline."""


def photograph() -> np.ndarray:
    """(SIZE, SIZE, 3): scikit-image's astronaut, whose own face does not matter here."""
    return cv2.resize(astronaut(), (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def landmarks(model: MorphableModel, yaw: float, pitch: float, roll: float) -> Float64[np.ndarray, "68 2"]:
    """Of the mean head, in the middle of a photograph of SIZE px, so large that hair and chin are in it."""
    points = project(model.landmarks(model.mean[None]), camera(yaw, pitch, focal=6.5), SIZE)[0, :, :2]
    return transform(points.double().numpy(), turn(roll))


def turn(degrees: float, scale: float = 1.0) -> Float64[np.ndarray, "2 3"]:
    """Matrix that turns and scales around the middle, points whose pixel centres are at half-integers."""
    return cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), degrees, scale)


def face_mask(points: Float64[np.ndarray, "68 2"]) -> Bool[np.ndarray, "h w"]:
    """Convex hull of the landmarks."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    return cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(points - 0.5).astype(np.int32)), 1) > 0


def hidden(covered: Bool[np.ndarray, "h w"], points: Float64[np.ndarray, "n 2"]) -> Bool[np.ndarray, " n"]:
    """Which points lie on covered pixels."""
    x, y = np.floor(points).astype(int).T
    return covered[y, x]
