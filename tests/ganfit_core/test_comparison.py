"""Methods side by side."""

from __future__ import annotations

import numpy as np
import pytest

from ganfit_core import comparison, overlay
from tests import doubles

TILE, CAPTION = overlay.TILE, overlay.CAPTION


def panel(grey: int) -> np.ndarray:
    """Of a fit whose overlay, albedo and shape have this grey value and its next two, over a photograph of 10."""
    fit = doubles.result()
    for number, name in enumerate(("rendering", "albedo_rendering", "shape_rendering")):
        setattr(fit, name, np.full((doubles.SIZE, doubles.SIZE, 3), grey + number, np.uint8))
    return overlay.panel(np.full((doubles.SIZE, doubles.SIZE, 3), 10, np.uint8), fit)


def test_each_method_has_a_column_after_the_photograph() -> None:
    picture = comparison.comparison({"fast": panel(50), "ganfit++": panel(150)})
    heading = picture.shape[0] - 3 * (TILE + CAPTION)
    assert heading > 0
    assert picture.shape[1] == 3 * TILE
    middles = picture[heading + CAPTION + TILE // 2 :: TILE + CAPTION, TILE // 2 :: TILE, 0]
    assert middles.tolist() == [[10, 50, 150], [10, 51, 151], [10, 52, 152]]
    inked = [(picture[:heading, left : left + TILE] < 100).any() for left in range(0, 3 * TILE, TILE)]
    assert inked == [False, True, True]


def test_nothing_to_compare_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        comparison.comparison({})
