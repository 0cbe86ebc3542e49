"""A layer before the photograph: drawn finer than its pixels, then reduced by area and laid over it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float, Float32, UInt8

from ganfit_core.corruption.base import Corrupted, Face
from ganfit_core.perception.align import transform

Colour = tuple[float, float, float]
"""sRGB in [0, 1]."""
_FINE_SIDE = 270
"""A unit of the face has at least about so many of the layer's pixels, where that takes no more than _FINEST."""
_FINEST = 4
"""Most pixels of the layer along one of the photograph's."""
_MARGIN = 0.03
"""How far shapes reach beyond their extent: half the width of the widest stroke, and a little."""
_SHIFT = 4
"""Binary digits after the point of the coordinates that OpenCV is given."""


class Layer:
    """Opaque shapes over the part of the photograph around `extent`, and their colours; lengths in the face's frame."""

    def __init__(self, photo: UInt8[np.ndarray, "h w 3"], face: Face, extent: Float[np.ndarray, "n 2"]) -> None:
        height, width = photo.shape[:2]
        pixels = transform(extent, face.matrix)
        margin = _MARGIN * face.side + 2
        low = np.floor(pixels.min(axis=0) - margin).astype(int)
        high = np.ceil(pixels.max(axis=0) + margin).astype(int)
        # One pixel at least, where the extent lies outside the photograph.
        self._left, self._top = np.clip(low, 0, (width - 1, height - 1))
        self._right, self._bottom = np.clip(high, (self._left + 1, self._top + 1), (width, height))
        self._photo, self.face = photo, face
        self._fine = min(max(math.ceil(_FINE_SIDE / face.side), 1), _FINEST)
        shape = ((self._bottom - self._top) * self._fine, (self._right - self._left) * self._fine)
        self._canvas = np.zeros((*shape, 4), np.uint8)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the layer, its own pixels."""
        return self._canvas.shape[0], self._canvas.shape[1]

    def pixels(self, length: float) -> float:
        """A length in the layer's own pixels."""
        return length * self.face.side * self._fine

    def grid(self) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
        """x and y in the face's frame at the centre of each of the layer's pixels."""
        inverse = cv2.invertAffineTransform(self.face.matrix).astype(np.float32)
        x = self._left + (np.arange(self.shape[1], dtype=np.float32) + 0.5) / self._fine
        y = (self._top + (np.arange(self.shape[0], dtype=np.float32) + 0.5) / self._fine)[:, None]
        first, second = (row[0] * x + row[1] * y + row[2] for row in inverse)
        return first, second

    def fill(self, outline: Float[np.ndarray, "n 2"], colour: Colour) -> None:
        """Paint the inside of a polygon."""
        cv2.fillPoly(self._canvas, [self._fixed(outline)], _bytes(colour), cv2.LINE_AA, _SHIFT)

    def fills(self, outlines: Float[np.ndarray, "k n 2"], colours: Float[np.ndarray, "k 3"]) -> None:
        """Paint the insides of polygons, the last one on top."""
        fixed = self._fixed(outlines.reshape(-1, 2)).reshape(outlines.shape)
        for outline, colour in zip(fixed, colours.tolist(), strict=True):
            cv2.fillPoly(self._canvas, [outline], _bytes(colour), cv2.LINE_AA, _SHIFT)

    def stroke(self, curve: Float[np.ndarray, "n 2"], width: float, colour: Colour) -> None:
        """Paint along a curve."""
        thickness = max(round(self.pixels(width)), 1)
        cv2.polylines(self._canvas, [self._fixed(curve)], False, _bytes(colour), thickness, cv2.LINE_AA, _SHIFT)

    def inside(self, outline: Float[np.ndarray, "n 2"]) -> UInt8[np.ndarray, "h w"]:
        """255 within a polygon, 0 without; nothing is painted."""
        mask = np.zeros(self.shape, np.uint8)
        cv2.fillPoly(mask, [self._fixed(outline)], 255, cv2.LINE_AA, _SHIFT)
        return mask

    def along(self, curves: Sequence[Float[np.ndarray, "n 2"]], width: float) -> UInt8[np.ndarray, "h w"]:
        """255 along curves, 0 beside them; nothing is painted."""
        mask = np.zeros(self.shape, np.uint8)
        thickness = max(round(self.pixels(width)), 1)
        cv2.polylines(mask, [self._fixed(curve) for curve in curves], False, 255, thickness, cv2.LINE_AA, _SHIFT)
        return mask

    def shade(self, factor: Float32[np.ndarray, "h w *c"]) -> None:
        """Multiply the colours, one factor for all channels or (h, w, 3)."""
        factor = factor if factor.ndim == 3 else factor[..., None]
        # The colours are premultiplied: more than the opacity would be more than white.
        bright = self._canvas[..., :3] * factor
        self._canvas[..., :3] = np.minimum(bright, self._canvas[..., 3:]).astype(np.uint8)

    def over(self, parameters: Mapping[str, float]) -> Corrupted:
        """The photograph behind the layer."""
        image, covered = self._photo.copy(), np.zeros(self._photo.shape[:2], np.bool_)
        size = (self._right - self._left, self._bottom - self._top)
        reduced = cv2.resize(self._canvas, size, interpolation=cv2.INTER_AREA)
        region = np.s_[self._top : self._bottom, self._left : self._right]
        share = reduced[..., 3:].astype(np.float32) / 255
        mixed = (image[region] * (1 - share) + reduced[..., :3] + 0.5).clip(0, 255).astype(np.uint8)
        covered[region] = reduced[..., 3] > 0
        np.copyto(image[region], mixed, where=covered[region][..., None])
        return Corrupted(image, covered, {name: float(value) for name, value in parameters.items()})

    def _fixed(self, points: Float[np.ndarray, "n 2"]) -> np.ndarray:
        """Points of the face's frame as OpenCV draws them: pixel centres at integers, fixed point."""
        fine = (transform(points, self.face.matrix) - (self._left, self._top)) * self._fine - 0.5
        return np.rint(fine * (1 << _SHIFT)).astype(np.int32)


def _bytes(colour: Sequence[float]) -> tuple[float, float, float, float]:
    red, green, blue = (min(max(255 * value, 0.0), 255.0) for value in colour)
    return red, green, blue, 255.0
