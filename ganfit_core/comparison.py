"""Several methods' pictures of one face beside each other (as Fast-GANFIT's Fig. 7 compares them)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from ganfit_core.overlay import TILE

_PHOTO, _ROWS = 0, (1, 2, 3)
"""Tiles of a panel: the photograph; overlay, albedo and shape."""
_HEADING = 28


def comparison(panels: Mapping[str, UInt8[np.ndarray, "h w 3"]]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """A column per method, with overlay, albedo and shape below each other, after a column of the photograph.

    ``panels`` are those of ganfit_core.overlay.panel of the same photograph, by the method's name.

    Raises:
        ValueError: no panel.
    """
    if not panels:
        raise ValueError("nothing to compare")
    photo = next(iter(panels.values()))
    columns = [_column("", photo, (_PHOTO,) * len(_ROWS))]
    columns += [_column(name, panel, _ROWS) for name, panel in panels.items()]
    return np.concatenate(columns, axis=1)


def _column(heading: str, panel: UInt8[np.ndarray, "h w 3"], numbers: tuple[int, ...]) -> UInt8[np.ndarray, "h2 t 3"]:
    strip = Image.new("RGB", (TILE, _HEADING), (255, 255, 255))
    ImageDraw.Draw(strip).text((6, 3), heading, fill=(40, 40, 40), font=ImageFont.load_default(size=18))
    tiles = [panel[:, number * TILE : (number + 1) * TILE] for number in numbers]
    return np.concatenate([np.asarray(strip), *tiles], axis=0)
