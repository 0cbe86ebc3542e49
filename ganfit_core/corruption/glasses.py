"""Sunglasses: opaque dark lenses, a frame, a bridge and temples."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from ganfit_core.corruption.base import Corrupted, Face
from ganfit_core.corruption.curves import smooth
from ganfit_core.corruption.layer import Colour, Layer

_TINTS: tuple[Colour, ...] = ((0.05, 0.05, 0.06), (0.12, 0.07, 0.04), (0.05, 0.08, 0.06), (0.05, 0.06, 0.11))
_FRAMES: tuple[Colour, ...] = ((0.03, 0.03, 0.03), (0.24, 0.12, 0.06), (0.62, 0.54, 0.36), (0.45, 0.46, 0.48))
_ROUND, _SQUARE, _DROP = range(3)
_CIRCLE = np.linspace(0, 2 * np.pi, 73)[:-1]


def glasses(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """Sunglasses along the eyes, tilted with them; the lens of an eye that is turned away is narrower."""
    shape, tint, frame = int(rng.integers(3)), int(rng.integers(len(_TINTS))), int(rng.integers(len(_FRAMES)))
    size, rim = rng.uniform(0.92, 1.12), rng.uniform(0.008, 0.02)
    eyes = [face.points[36:42], face.points[42:48]]
    centres = [eye.mean(axis=0) for eye in eyes]
    along = centres[1] - centres[0]
    along = along / max(float(np.linalg.norm(along)), 1e-9)
    down = np.array([-along[1], along[0]])
    # An eye that is turned away is short; its lens keeps its height.
    half = [0.98 * size * max(float(np.ptp(eye @ along)), 0.045) for eye in eyes]
    half_height = size * (0.084, 0.072, 0.09)[shape]
    lenses = []
    for centre, half_width, outward in zip(centres, half, (-1, 1), strict=True):
        middle = centre + 0.016 * down + 0.12 * half_width * outward * along
        x, y = _outline(shape)
        lenses.append(middle + half_width * outward * x[:, None] * along + half_height * y[:, None] * down)
    inner = [lens[np.argmin(outward * (lens @ along))] for lens, outward in zip(lenses, (-1, 1), strict=True)]
    hinges = [
        centre + (0.016 - 0.5 * half_height) * down + 1.08 * width * outward * along
        for centre, width, outward in zip(centres, half, (-1, 1), strict=True)
    ]
    # The landmarks of the ears lie on the jaw: the temples fall less than to there.
    ears = [
        hinge + (point - hinge) @ along * along + (0.02 + 0.3 * (point - hinge) @ down) * down
        for hinge, point in zip(hinges, face.points[[0, 16]], strict=True)
    ]
    layer = Layer(photo, face, np.concatenate([*lenses, np.stack(ears), np.stack([inner[0] - 0.05 * down])]))
    colour, dark = _FRAMES[frame], _TINTS[tint]
    for hinge, ear in zip(hinges, ears, strict=True):
        layer.stroke(np.stack([hinge, ear]), 1.3 * rim, colour)
    top = (inner[0] + inner[1]) / 2 - (0.03 if shape != _SQUARE else 0.022) * down
    layer.stroke(smooth([inner[0] - 0.012 * down, top, inner[1] - 0.012 * down]), 1.3 * rim, colour)
    if shape == _DROP:
        brow = [inner[0] - 0.5 * half_height * down, inner[1] - 0.5 * half_height * down]
        layer.stroke(np.stack(brow), rim, colour)
    for lens in lenses:
        layer.fill(lens, dark)
    layer.shade(_reflection(layer, lenses, centres, down, half_height))
    for lens in lenses:
        layer.stroke(np.concatenate([lens, lens[:1]]), rim, colour)
    return layer.over({"shape": shape, "tint": tint, "frame": frame, "size": size, "rim": rim})


def _outline(shape: int) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """x outwards and y downwards of a lens in [-1, 1]: a superellipse, deformed."""
    power = (1.0, 0.55, 0.8)[shape]
    x = np.sign(np.cos(_CIRCLE)) * np.abs(np.cos(_CIRCLE)) ** power
    y = np.sign(np.sin(_CIRCLE)) * np.abs(np.sin(_CIRCLE)) ** power
    if shape == _SQUARE:  # wider above than below
        x = x * (1 - 0.1 * y)
    elif shape == _DROP:  # hangs outwards
        x, y = x * (1 - 0.12 * y) + 0.1 * (y > 0) * y, y * (1 + 0.12 * (y > 0))
    return x, y


def _reflection(
    layer: Layer,
    lenses: list[Float64[np.ndarray, "n 2"]],
    centres: list[Float64[np.ndarray, "2"]],
    down: Float64[np.ndarray, "2"],
    half_height: float,
) -> Float32[np.ndarray, "h w"]:
    """Lenses are lighter below, and the sky shows in a streak."""
    x, y = layer.grid()
    factor = np.ones(layer.shape, np.float32)
    right, below = down.tolist()
    for lens, (middle_x, middle_y) in zip(lenses, np.stack(centres).tolist(), strict=True):
        height = ((x - middle_x) * right + (y - middle_y) * below) / half_height
        across = ((x - middle_x) * below - (y - middle_y) * right) / half_height
        streak = np.exp(-(((across + 0.6 * height + 0.45) / 0.16) ** 2)) * (np.abs(height) < 0.75)
        within = layer.inside(lens).astype(np.float32) / 255
        factor += within * (0.5 * (height + 1).clip(0, 2) + 1.6 * cv2.GaussianBlur(streak, (0, 0), 2))
    return factor
