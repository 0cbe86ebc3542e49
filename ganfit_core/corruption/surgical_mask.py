"""A surgical mask: from the bridge of the nose to below the chin, pleated, with loops around the ears."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from ganfit_core.corruption.base import Corrupted, Face
from ganfit_core.corruption.curves import smooth
from ganfit_core.corruption.layer import Colour, Layer

_COLOURS: tuple[Colour, ...] = ((0.62, 0.80, 0.90), (0.93, 0.94, 0.95), (0.66, 0.84, 0.78), (0.13, 0.13, 0.14))
_PLEATS = (0.36, 0.53, 0.70)
"""Where the pleats run, as shares of the way from the upper edge to the lower."""


def surgical_mask(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """A mask that follows the jaw; of a head that is turned, the far half is narrow."""
    colour = int(rng.integers(len(_COLOURS)))
    bridge, below, wide = rng.uniform(0.4, 1.2), rng.uniform(0.02, 0.06), rng.uniform(1.01, 1.06)
    p = face.points
    nose = p[28] + bridge * (p[29] - p[28])
    middle = p[33]
    ends = [p[2] + 0.1 * (middle - p[2]), p[14] + 0.1 * (middle - p[14])]
    cheeks = [p[[40, 41]].mean(axis=0), p[[46, 47]].mean(axis=0)]
    cheeks = [0.62 * cheek + 0.38 * p[corner] for cheek, corner in zip(cheeks, (48, 54), strict=True)]
    top = smooth([ends[0], cheeks[0], nose, cheeks[1], ends[1]])
    jaw = (
        middle + wide * (p[4:13] - middle) + np.array([0.0, below]) * np.sin(np.linspace(0.3, np.pi - 0.3, 9))[:, None]
    )
    bottom = smooth(jaw)
    outline = np.concatenate([top, bottom[::-1]])
    ears = [0.7 * p[0] + 0.3 * p[1] - [0.035 * _share(p, 0), 0], 0.7 * p[16] + 0.3 * p[15] + [0.035 * _share(p, 16), 0]]
    loops = []
    for ear, upper, lower in ((ears[0], top[0], bottom[0]), (ears[1], top[-1], bottom[-1])):
        loops.append(smooth([upper, ear, ear + np.array([0.0, 0.07]), lower]))
    layer = Layer(photo, face, np.concatenate([outline, *loops]))
    white = 0.94 if colour != 3 else 0.16
    for loop in loops:
        layer.stroke(loop, 0.011, (white, white, white))
    layer.fill(outline, _COLOURS[colour])
    inside = layer.inside(outline).astype(np.float32) / 255
    pleats = [(1 - share) * top + share * bottom for share in _PLEATS]
    hems = [top + np.array([0.0, 0.022]), bottom - np.array([0.0, 0.022])]
    lit = layer.along([pleat + np.array([0.0, 0.006]) for pleat in pleats], 0.008)
    relief = (0.11 * lit - 0.31 * layer.along(pleats, 0.012) - 0.14 * layer.along(hems, 0.006)).astype(np.float32)
    soft = cv2.GaussianBlur(relief / 255, (0, 0), max(layer.pixels(0.004), 0.3))
    layer.shade(1 + inside * (_roundness(layer, face) - 1 + soft))
    return layer.over({"colour": colour, "bridge": bridge, "below": below, "width": wide})


def _share(points: np.ndarray, ear: int) -> float:
    """How much of that side of the face is seen: 1 from the front or that side, 0 from the other side."""
    here, there = (abs(points[i, 0] - points[30, 0]) for i in (ear, 16 - ear))
    return float(np.clip(2 * here / max(here + there, 1e-9), 0, 1))


def _roundness(layer: Layer, face: Face) -> Float32[np.ndarray, "h w"]:
    """Darker towards the ears and under the chin, lighter along the nose."""
    x, y = layer.grid()
    p = face.points
    axis = np.interp(y, [p[28, 1], max(p[30, 1], p[28, 1] + 1e-6), max(p[8, 1], p[30, 1] + 1e-6)], p[[28, 30, 8], 0])
    left, right = max(p[30, 0] - p[2, 0], 0.05), max(p[14, 0] - p[30, 0], 0.05)
    aside = (x - axis) / np.where(x < axis, left, right)
    chin = ((y - p[57, 1]) / max(p[8, 1] - p[57, 1], 0.05)).clip(0, 1.5)
    ridge = np.exp(-((aside / 0.16) ** 2)) * np.exp(-((((y - p[30, 1]) / 0.09).clip(-2, 3)) ** 2))
    flank = np.exp(-(((np.abs(aside) - 0.36) / 0.14) ** 2)) * np.exp(-(((y - p[30, 1]) / 0.07) ** 2))
    return (0.99 - 0.3 * aside**2 - 0.14 * chin + 0.07 * ridge - 0.09 * flank).clip(0.35, 1.1).astype(np.float32)
