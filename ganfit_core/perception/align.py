"""Bringing a face to a standard position: similarity transforms, the crop template, crops."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8

from ganfit_core.perception.template import TEMPLATE_68

CROP_SIZE = 224
"""Side of a crop, px."""


def five_points(landmarks: Float[np.ndarray, "68 2"]) -> Float[np.ndarray, "5 2"]:
    """Eye centres, nose tip and mouth corners of the 68 points, each pair in image order, left first."""
    return np.stack(
        [landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0), *(landmarks[i] for i in (30, 48, 54))]
    )


TEMPLATE_5 = five_points(TEMPLATE_68)
"""`five_points` of TEMPLATE_68, in units of the crop's side."""


@dataclass(frozen=True, eq=False)
class AlignedFace:
    """A face in the standard crop, where its 68 points lie near TEMPLATE_68."""

    image: UInt8[np.ndarray, "s s 3"]
    """sRGB crop."""
    landmarks: Float32[np.ndarray, "68 2"]
    """In crop pixels."""
    matrix: Float32[np.ndarray, "2 3"]
    """Similarity from photo pixels to crop pixels, both continuous (pixel centres at half-integers)."""
    inside: Bool[np.ndarray, "s s"] | None = None
    """Where the crop shows the photo rather than its repeated border; None: everywhere."""


def similarity(source: Float[np.ndarray, "n 2"], target: Float[np.ndarray, "n 2"]) -> Float64[np.ndarray, "2 3"]:
    """Least-squares scale, rotation and translation, never a reflection: target ~ matrix @ [source, 1].

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    PAMI 13(4), 1991, equations 40 to 43.

    Raises:
        ValueError: shapes differ, or there are no two distinct finite source points.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(f"expected two (n, 2) arrays of equal length, got {source.shape} and {target.shape}")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("points must be finite")
    if len(source) < 2:
        raise ValueError("a similarity needs at least two points")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    variance = (centred**2).sum() / len(source)
    if variance <= np.finfo(np.float64).eps * (source**2).sum():
        raise ValueError("a similarity needs at least two distinct points")
    covariance = (target - target_mean).T @ centred / len(source)
    u, singular, vt = np.linalg.svd(covariance)
    sign = np.array([1.0, 1.0 if np.linalg.det(u) * np.linalg.det(vt) > 0 else -1.0])
    rotation = u * sign @ vt
    scale = (singular * sign).sum() / variance
    return np.column_stack([scale * rotation, target_mean - scale * rotation @ source_mean])


def transform(points: Float[np.ndarray, "n 2"], matrix: Float[np.ndarray, "2 3"]) -> Float[np.ndarray, "n 2"]:
    """Apply a (2, 3) matrix to points."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def warp(
    image: UInt8[np.ndarray, "h w *c"], matrix: Float[np.ndarray, "2 3"], size: int
) -> UInt8[np.ndarray, "size size *c"]:
    """Resample through `matrix` (continuous source to target pixels), repeating the border outside the photo.

    Reductions by two or more are area-averaged first: `cv2.warpAffine` alone would skip pixels and alias.
    """
    linear, offset = np.asarray(matrix[:, :2], np.float64), np.asarray(matrix[:, 2], np.float64)
    factor = int(1 / sqrt(abs(np.linalg.det(linear))) + 1e-6)
    if factor >= 2:
        height, width = image.shape[:2]
        reduced = (max(1, width // factor), max(1, height // factor))
        image = cv2.resize(image, reduced, interpolation=cv2.INTER_AREA)
        linear = linear * [width / reduced[0], height / reduced[1]]
    # OpenCV puts pixel centres at integers: shift by half a pixel on both sides
    offset = offset + linear @ [0.5, 0.5] - 0.5
    return cv2.warpAffine(
        image,
        np.column_stack([linear, offset]),
        (size, size),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )


def align_face(
    rgb: UInt8[np.ndarray, "h w 3"], landmarks: Float[np.ndarray, "68 2"], size: int = CROP_SIZE
) -> AlignedFace:
    """Crop a face so that a similarity brings its 68 points (photo pixels) as near to TEMPLATE_68 as it can.

    Raises:
        ValueError: the landmarks are not 68 finite, distinct points.
    """
    if np.shape(landmarks) != (68, 2):
        raise ValueError(f"expected (68, 2) landmarks, got {np.shape(landmarks)}")
    matrix = similarity(landmarks, TEMPLATE_68 * size)
    return AlignedFace(
        image=warp(rgb, matrix, size),
        landmarks=transform(landmarks, matrix).astype(np.float32),
        matrix=matrix.astype(np.float32),
        inside=_inside(rgb.shape[:2], matrix, size),
    )


def _inside(shape: tuple[int, int], matrix: Float[np.ndarray, "2 3"], size: int) -> Bool[np.ndarray, "s s"]:
    """(size, size) whether each crop pixel's centre lies on the photo of (height, width) `shape`."""
    centres = np.stack(np.meshgrid(np.arange(size) + 0.5, np.arange(size) + 0.5), axis=-1)
    at = (centres - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    return ((at >= 0) & (at <= [shape[1], shape[0]])).all(axis=-1)
