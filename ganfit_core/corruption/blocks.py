"""Rectangles of noise, of one colour or of another part of the photograph."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import UInt8

from ganfit_core.corruption.base import Corrupted, Face
from ganfit_core.perception.align import transform

_NOISE, _COLOUR, _PHOTO = range(3)


def blocks(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """One to three, upright in the photograph, their middles within the face."""
    image, covered = photo.copy(), np.zeros(photo.shape[:2], np.bool_)
    n = int(rng.integers(1, 4))
    parameters = {"blocks": float(n)}
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    for i in range(n):
        size, place, kind = rng.uniform(0.14, 0.32, 2), rng.uniform(0.1, 0.9, 2), int(rng.integers(3))
        colour, source, chance = rng.integers(0, 256, 3), rng.uniform(0, 1, 2), int(rng.integers(2**32))
        middle = transform((low + place * (high - low))[None], face.matrix)[0]
        left, top = np.rint(middle - size * face.side / 2).astype(int).clip(0, photo.shape[1::-1])
        right, bottom = np.rint(middle + size * face.side / 2).astype(int).clip(0, photo.shape[1::-1])
        if right > left and bottom > top:
            image[top:bottom, left:right] = _content(photo, kind, (bottom - top, right - left), colour, source, chance)
            covered[top:bottom, left:right] = True
        drawn = {"kind": kind, "width": size[0], "height": size[1], "x": place[0], "y": place[1],
                 "red": colour[0], "green": colour[1], "blue": colour[2],
                 "source_x": source[0], "source_y": source[1], "noise": chance}  # fmt: skip
        parameters |= {f"{name}_{i + 1}": float(value) for name, value in drawn.items()}
    return Corrupted(image, covered, parameters)


def _content(
    photo: UInt8[np.ndarray, "h w 3"],
    kind: int,
    size: tuple[int, int],
    colour: np.ndarray,
    source: np.ndarray,
    chance: int,
) -> UInt8[np.ndarray, "a b 3"]:
    if kind == _NOISE:
        return np.random.default_rng(chance).integers(0, 256, (*size, 3), np.uint8)
    if kind == _COLOUR:
        return np.broadcast_to(colour.astype(np.uint8), (*size, 3))
    y, x = (int(at * (whole - part)) for at, whole, part in zip(source[::-1], photo.shape, size, strict=False))
    return cv2.flip(photo[y : y + size[0], x : x + size[1]], -1)
