"""From a rendered head to a frame of a poor camera, and frames to a stream of JPEGs."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from data.synthetic_micc.settings import Setting

_BACKGROUND_CELLS = (3, 9, 27)
"""Sides of the grids of random colours that a background is the sum of, coarse to fine."""
_BACKGROUND_CONTRAST = (0.18, 0.09, 0.05)
_SHOULDER_WIDTH, _SHOULDER_HEIGHT = 210.0, 75.0
"""mm: half the axes of the ellipse that the shoulders are."""


def background(setting: Setting, generator: np.random.Generator) -> Float[np.ndarray, "h w 3"]:
    """A wall out of focus: smooth noise, RGB in [0, 1]."""
    colour = generator.uniform(0.3, 0.65) + generator.uniform(-0.06, 0.06, 3)
    wall = np.broadcast_to(colour, (setting.height, setting.width, 3))
    for cells, contrast in zip(_BACKGROUND_CELLS, _BACKGROUND_CONTRAST, strict=True):
        grid = contrast * (generator.random((cells, cells, 3)) - 0.5) * 2
        grid = 0.1 * grid + 0.9 * grid.mean(axis=2, keepdims=True)  # more light and dark than colour
        wall = wall + cv2.resize(grid, (setting.width, setting.height), interpolation=cv2.INTER_CUBIC)
    return wall.clip(0, 1)


def with_shoulders(
    scene: Float[np.ndarray, "h w 3"],
    neck: tuple[float, float],
    pixels_per_mm: float,
    clothes: tuple[float, float, float],
) -> Float[np.ndarray, "h w 3"]:
    """The scene with a clothed body from the height of these pixels down, as the neck of a head ends in nothing."""
    body = np.zeros(scene.shape[:2], np.float32)
    half_width, half_height = (round(size * pixels_per_mm) for size in (_SHOULDER_WIDTH, _SHOULDER_HEIGHT))
    column, row = round(neck[0]), round(neck[1]) + half_height
    cv2.ellipse(body, (column, row), (half_width, half_height), 0, 0, 360, 1.0, cv2.FILLED)
    cv2.rectangle(body, (column - half_width, row), (column + half_width, len(body) + half_height), 1.0, cv2.FILLED)
    soft = cv2.GaussianBlur(body, (0, 0), 1.0)[..., None]
    return scene * (1 - soft) + np.asarray(clothes) * soft


def pasted(
    scene: Float[np.ndarray, "h w 3"],
    image: Float[np.ndarray, "s s 3"],
    coverage: Float[np.ndarray, "s s 1"],
    left: int,
    top: int,
) -> Float[np.ndarray, "h w 3"]:
    """The scene with a picture, already times its coverage, over it; what is beyond the frame is cut off."""
    height, width = scene.shape[:2]
    rows = slice(max(0, top), max(0, min(height, top + len(image))))
    columns = slice(max(0, left), max(0, min(width, left + image.shape[1])))
    part = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
    result = scene.copy()
    result[rows, columns] = scene[rows, columns] * (1 - coverage[part]) + image[part]
    return result


def filmed(
    scene: Float[np.ndarray, "h w 3"], blur: float, noise: float, generator: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """What the camera makes of a scene: blurred by `blur` px, with `noise` 255ths of Gaussian noise."""
    image = cv2.GaussianBlur(scene.clip(0, 1), (0, 0), blur)
    image = image * 255 + noise * generator.standard_normal(image.shape)
    return image.round().clip(0, 255).astype(np.uint8)


def jpeg(frame: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """One frame of a raw MJPEG stream, which is nothing but one JPEG after the other."""
    return cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
