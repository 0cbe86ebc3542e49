"""A hand before the mouth and a cheek, seen from its back, with its forearm reaching out of the photograph."""

from __future__ import annotations

import math

import cv2
import numpy as np
from jaxtyping import Float, Float32, Float64, UInt8

from ganfit_core.corruption.base import Corrupted, Face
from ganfit_core.corruption.curves import ribbon, smooth
from ganfit_core.corruption.layer import Colour, Layer

# Lengths of the hand in units of its own, from the wrist at the origin to the tip of the middle finger: x towards the
# little finger, y towards the tips.
_KNUCKLES = np.array([(-0.155, 0.50), (-0.05, 0.535), (0.055, 0.515), (0.15, 0.455)])
_LENGTHS = np.array([0.42, 0.465, 0.43, 0.335])
_RADII = np.array([0.053, 0.055, 0.051, 0.044])
_SPREAD = np.radians([-9.0, -2.0, 5.0, 13.0])
_THUMB = np.array([(-0.10, 0.10), (-0.205, 0.27), (-0.28, 0.42), (-0.31, 0.56)])
_THUMB_RADII = (0.085, 0.068, 0.057, 0.047)
_BACK = np.array(
    [(-0.135, -0.05), (-0.16, 0.12), (-0.205, 0.36), (-0.20, 0.51), (-0.05, 0.575), (0.07, 0.555), (0.19, 0.47),
     (0.20, 0.33), (0.165, 0.13), (0.13, -0.05)]
)  # fmt: skip
_HELD = 0.62
"""How far along the hand what lies before the mouth is."""
_ARM = 8.0
"""Length of the forearm: out of every photograph in which the face is not tiny."""
_TONES: tuple[Colour, ...] = (
    (0.96, 0.83, 0.75),
    (0.90, 0.72, 0.60),
    (0.78, 0.58, 0.44),
    (0.58, 0.40, 0.29),
    (0.36, 0.24, 0.18),
)
"""From light to dark."""


def hand(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """Three to five fingers; the rest is bent away. The thumb is above, as of a hand that the person could raise."""
    side, n = (1.0 if rng.random() < 0.5 else -1.0), int(rng.integers(3, 6))
    length, angle, tone = rng.uniform(0.66, 0.8), rng.uniform(math.radians(5), math.radians(45)), rng.uniform(0, 1)
    spread, shift = rng.uniform(0.6, 1.6), rng.uniform(-0.04, 0.04, 2)
    lamp = rng.uniform(math.radians(30), math.radians(150))
    towards = np.array([-side * math.cos(angle), -math.sin(angle)])
    across = np.array([-side * math.sin(angle), math.cos(angle)])
    target = face.points[48:60].mean(axis=0) + shift

    def placed(points: Float[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
        return target + length * (points[:, :1] * across + (points[:, 1:] - _HELD) * towards)

    fingers, nails, creases = _fingers(n, spread, rng)
    parts = [placed(outline) for outline in fingers]
    back = placed(smooth(np.concatenate([_BACK, _BACK[:1]]), 60))
    arm = placed(np.array([(-0.135, 0.02), (-0.15, -0.4), (-0.19, -_ARM), (0.19, -_ARM), (0.16, -0.4), (0.13, 0.02)]))
    layer = Layer(photo, face, np.concatenate([*parts, back, arm]))
    height = _relief(layer, [arm, back, *parts], [0.11, 0.09, *(0.05 for _ in parts)], length)
    for part in (arm, back, *parts):
        layer.fill(part, _tone(tone))
    for nail in nails:
        layer.fill(placed(nail), _mixed(_tone(tone), (0.97, 0.82, 0.78), 0.45 - 0.2 * tone))
    furrows = layer.along([placed(crease) for crease in creases], 0.006)
    layer.shade(_light(layer, height, furrows, lamp))
    return layer.over(
        {"side": side, "fingers": n, "length": length, "angle": math.degrees(angle), "tone": tone, "spread": spread,
         "shift_x": shift[0], "shift_y": shift[1], "lamp": math.degrees(lamp)}
    )  # fmt: skip


def _fingers(
    n: int, spread: float, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Outlines of the fingers and of their nails, and the creases over their joints, in the hand's units."""
    outlines: list[np.ndarray] = []
    nails: list[np.ndarray] = []
    creases: list[np.ndarray] = []
    for i in range(4 if n > 3 else 3):
        bend = rng.uniform(-0.12, 0.12)
        length = _LENGTHS[i] * rng.uniform(0.94, 1.04)
        heading = _SPREAD[i] * spread + bend * np.array([0.0, 0.0, 0.6, 1.0])
        step = length * np.array([0.42, 0.32, 0.26])
        walk = np.cumsum(step[:, None] * np.stack([np.sin(heading[1:]), np.cos(heading[1:])], axis=1), axis=0)
        start = _KNUCKLES[i] - 0.12 * np.array([math.sin(heading[0]), math.cos(heading[0])])
        axis = np.concatenate([start[None], _KNUCKLES[i][None], _KNUCKLES[i] + walk])
        radii = _RADII[i] * np.array([0.9, 1.0, 1.0, 0.93, 0.8])
        _finger(axis, radii, outlines, nails, creases)
    if n > 4:
        _finger(_THUMB, np.array(_THUMB_RADII), outlines, nails, creases)
    return outlines, nails, creases


def _finger(axis: np.ndarray, radii: np.ndarray, outlines: list, nails: list, creases: list) -> None:
    curve = smooth(axis, 48)
    at = np.linspace(0, 1, len(curve))
    radius = np.interp(at, np.linspace(0, 1, len(radii)), radii)
    along = curve[-1] - curve[-4]
    along = along / np.linalg.norm(along)
    # A round tip: the last radius as an ellipse's.
    left = np.linalg.norm(curve - curve[-1], axis=1)
    tip = radii[-1] * 1.15
    radius = np.where(left < tip, radius * np.sqrt(np.maximum(1 - (1 - left / tip) ** 2, 0)), radius)
    outlines.append(ribbon(curve, radius))
    aside = np.array([-along[1], along[0]])
    turn = np.linspace(0, 2 * np.pi, 33)[:-1]
    middle = curve[-1] - 1.15 * radii[-1] * along
    nails.append(
        middle + 0.62 * radii[-1] * np.cos(turn)[:, None] * aside + 0.82 * radii[-1] * np.sin(turn)[:, None] * along
    )
    for joint in axis[-3:-1]:
        reach = np.linspace(-0.6, 0.6, 9)[:, None]
        for offset in (-0.014, 0.012):
            creases.append(joint + offset * along + radii[-2] * (reach * aside + 0.16 * (1 - reach**2 / 0.36) * along))


def _relief(layer: Layer, parts: list[np.ndarray], radii: list[float], length: float) -> Float32[np.ndarray, "h w"]:
    """Height of the hand in the layer's pixels: each part is round at its rim, the highest is seen."""
    height = np.zeros(layer.shape, np.float32)
    for part, radius in zip(parts, radii, strict=True):
        mask = (layer.inside(part) > 127).astype(np.uint8)
        reach = max(layer.pixels(radius * length), 1.0)
        depth = np.minimum(cv2.distanceTransform(mask, cv2.DIST_L2, 3), reach)
        lift = layer.pixels(0.02 * length) if radius < 0.06 else 0.0
        np.maximum(height, mask * (lift + np.sqrt(depth * (2 * reach - depth))), out=height)
    return cv2.GaussianBlur(height, (0, 0), max(layer.pixels(0.012 * length), 0.3))


def _light(
    layer: Layer, height: Float32[np.ndarray, "h w"], furrows: UInt8[np.ndarray, "h w"], lamp: float
) -> Float32[np.ndarray, "h w 3"]:
    """Diffuse light from above, less in furrows; what is dark is redder, as of skin."""
    down = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8)
    right = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8)
    # The lamp stands above the face, wherever the photograph's top is.
    turn = (layer.face.matrix[:, :2] / layer.face.side @ (math.cos(lamp), -math.sin(lamp))).tolist()
    facing = (1.25 - 0.6 * (turn[0] * right + turn[1] * down)) / np.sqrt(1 + right**2 + down**2) / 1.25
    hollow = (cv2.GaussianBlur(height, (0, 0), max(layer.pixels(0.03), 0.3)) - height) / max(layer.pixels(0.03), 1.0)
    lines = cv2.GaussianBlur(furrows, (0, 0), max(layer.pixels(0.003), 0.3))
    shade = (0.3 + 0.72 * facing - 0.25 * hollow.clip(0, 1) - 0.22 / 255 * lines).clip(0.15, 1.1)
    return np.stack([shade * (1 + redder * (1 - shade)) for redder in (0.2, -0.05, -0.12)], axis=-1)


def _tone(at: float) -> Colour:
    """Between the tones, 0 the lightest and 1 the darkest."""
    places = np.linspace(0, 1, len(_TONES))
    red, green, blue = (float(np.interp(at, places, channel)) for channel in zip(*_TONES, strict=True))
    return red, green, blue


def _mixed(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return red, green, blue
