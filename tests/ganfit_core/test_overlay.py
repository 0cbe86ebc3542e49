"""The picture of a fit."""

from __future__ import annotations

import numpy as np

from ganfit_core import overlay
from tests import doubles

TILE, CAPTION = overlay.TILE, overlay.CAPTION


def tile(picture: np.ndarray, number: int) -> np.ndarray:
    """The picture of one tile, without its caption."""
    return picture[CAPTION:, number * TILE : (number + 1) * TILE]


def test_six_tiles_show_what_their_titles_say() -> None:
    fit = doubles.result()
    photo = np.full((doubles.SIZE, doubles.SIZE, 3), 10, np.uint8)
    fit.face_weight[:, : doubles.SIZE // 2] = 0
    picture = overlay.panel(photo, fit)
    assert picture.shape == (TILE + CAPTION, 6 * TILE, 3)
    assert (tile(picture, 0) == 10).all()
    assert (tile(picture, 1)[:, :100] == 10).all()
    assert (tile(picture, 1)[:, -100:] == 90).all()
    assert (tile(picture, 4) == 120).all()
    for number in range(6):
        caption = picture[:CAPTION, number * TILE : (number + 1) * TILE]
        assert caption.min() < 100  # ink on it
        assert caption.max() == 255


def line_heights(values: np.ndarray, logarithmic: bool = True) -> np.ndarray:
    """Mean row of the coloured line in each column that has any."""
    blue = (overlay.curve(values, logarithmic=logarithmic) == overlay._LINE).all(axis=2)
    rows = np.arange(TILE)[:, None] * blue
    return rows.sum(axis=0)[blue.any(axis=0)] / blue.sum(axis=0)[blue.any(axis=0)]


def test_a_falling_energy_is_a_falling_line_straight_when_it_decays_exponentially() -> None:
    heights = line_heights(np.geomspace(100, 0.1, 50))
    slopes = np.diff(heights)
    assert heights[0] < 30
    assert heights[-1] > TILE - 40
    assert np.abs(slopes - slopes.mean()).max() < 1


def test_values_that_cannot_be_drawn_leave_gaps_and_do_not_raise() -> None:
    assert len(line_heights(np.array([5, np.nan, 2, 1, np.inf, -1, 1.0, 2.0]))) > 0
    assert len(line_heights(np.array([np.nan, np.nan]))) == 0
    assert overlay.curve(np.array([])).shape == (TILE, TILE, 3)
    assert overlay.curve(np.array([3.0])).shape == (TILE, TILE, 3)


def test_a_linear_axis_shows_negative_values_and_even_steps_as_a_straight_line() -> None:
    heights = line_heights(np.linspace(-2, 3, 40), logarithmic=False)
    columns = np.arange(len(heights))
    assert heights[0] > TILE - 40
    assert heights[-1] < 30
    assert np.abs(heights - np.polyval(np.polyfit(columns, heights, 1), columns)).max() < 3
