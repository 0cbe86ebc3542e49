"""The picture of a fit: photo, overlay, albedo, shape, UV map and convergence in one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult

TILE = 224
CAPTION = 22
_WHITE, _INK, _FAINT, _LINE = (255, 255, 255), (40, 40, 40), (200, 200, 200), (32, 96, 192)


def panel(photo: UInt8[np.ndarray, "s s 3"], result: FitResult) -> UInt8[np.ndarray, "h w 3"]:
    """Six titled tiles of 224 px in one row: (246, 1344, 3) RGB.

    ``photo`` is the aligned crop that was fitted, of the rendering's size.
    """
    share = result.face_weight[..., None]
    overlay = (share * result.rendering + (1 - share) * photo).round().astype(np.uint8)
    tiles = {
        "photo": photo,
        "overlay": overlay,
        "albedo": result.albedo_rendering,
        "shape": result.shape_rendering,
        "UV map": result.uv_map,
        "convergence": curve(result.history["total"]),
    }
    return np.concatenate([_titled(image, title) for title, image in tiles.items()], axis=1)


def curve(
    values: Float[np.ndarray, "steps"], name: str = "energy", below: str = "", logarithmic: bool = True
) -> UInt8[np.ndarray, "224 224 3"]:
    """The course of a quantity; what is not finite, or not positive on a logarithmic axis, is a gap.

    ``below`` stands under the axis: the number of iterations unless given.
    """
    canvas = Image.new("RGB", (TILE, TILE), _WHITE)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(size=11)
    left, top, right, bottom = 12, 20, TILE - 12, TILE - 22
    draw.rectangle((left, top, right, bottom), outline=_FAINT)
    values = np.asarray(values, dtype=np.float64)
    drawable = np.isfinite(values) & ((values > 0) | (not logarithmic))
    if not drawable.any():
        draw.text((left + 6, top + 6), "no data", fill=_INK, font=font)
        return np.asarray(canvas)
    shown = np.where(drawable, values, np.nan)
    levels = np.log(shown) if logarithmic else shown
    low, high = np.nanmin(levels), np.nanmax(levels)
    first, last = values[drawable][[0, -1]]
    x = left + (right - left) * np.arange(len(values)) / max(len(values) - 1, 1)
    y = bottom - (bottom - top) * (levels - low) / max(high - low, 1e-9)
    for start in range(len(values) - 1):
        if drawable[start] and drawable[start + 1]:
            draw.line((x[start], y[start], x[start + 1], y[start + 1]), fill=_LINE, width=2)
    scale = " (log)" if logarithmic else ""
    draw.text((left, 4), f"{name}{scale}: {first:.3g} to {last:.3g}", fill=_INK, font=font)
    draw.text((left, bottom + 4), below or f"{len(values)} iterations", fill=_INK, font=font)
    return np.asarray(canvas)


def _titled(image: UInt8[np.ndarray, "h w 3"], title: str) -> UInt8[np.ndarray, "246 224 3"]:
    if image.shape[:2] != (TILE, TILE):
        image = cv2.resize(image, (TILE, TILE), interpolation=cv2.INTER_AREA)
    caption = Image.new("RGB", (TILE, CAPTION), _WHITE)
    draw = ImageDraw.Draw(caption)
    draw.text((6, 3), title, fill=_INK, font=ImageFont.load_default(size=14))
    return np.concatenate([np.asarray(caption), image], axis=0)
