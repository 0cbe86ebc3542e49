"""The plot of many fits."""

from __future__ import annotations

import numpy as np
import pytest

from ganfit_core.convergence import BLUE, GREY, HEIGHT, RED, WIDTH, energy_ticks, plot, step_ticks

RANDOM = [np.geomspace(4.0, 2.0, 60), np.geomspace(3.8, 1.5, 41)]
REFINED = [np.geomspace(2.5, 1.4, 15)]


def pixels(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """(n, 2) x and y between the axes, legend left out."""
    y, x = (picture == colour).all(axis=2).nonzero()
    text = ((x > WIDTH - 175) & (y < 80)) | (x < 56) | (y < 20) | (y > HEIGHT - 48)
    return np.column_stack([x, y])[~text]


def test_each_method_has_its_colour_and_falls() -> None:
    picture = plot(RANDOM, REFINED, 2.6)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    for colour in (GREY, BLUE):
        points = pixels(picture, colour)
        first, last = points[points[:, 0].argmin()], points[points[:, 0].argmax()]
        assert last[1] > first[1] + 40
    assert pixels(picture, BLUE)[:, 0].max() < pixels(picture, GREY)[:, 0].max() - 200  # shorter
    red = pixels(picture, RED)
    assert red[:, 0].min() < pixels(picture, GREY)[:, 0].min()  # the marker at iteration 0
    assert red[:, 0].max() > WIDTH - 60  # the line's end


def test_an_exponential_decay_is_straight() -> None:
    points = pixels(plot([np.geomspace(9.0, 1.0, 50)], [], 9.0), GREY)
    x = np.unique(points[:, 0])[8:-8]
    heights = np.array([points[points[:, 0] == column, 1].mean() for column in x])
    assert np.abs(heights - np.polyval(np.polyfit(x, heights, 1), x)).max() < 1.5


def test_the_regression_s_line_is_where_a_fit_of_its_energy_is() -> None:
    picture = plot([np.array([4.0, 3.0, 2.0])], [np.array([3.0, 3.0])], 3.0)
    blue, red = pixels(picture, BLUE), pixels(picture, RED)
    assert abs(np.median(blue[:, 1]) - np.median(red[:, 1])) <= 1


@pytest.mark.parametrize(
    ("random", "regressed", "words"),
    [([np.array([])], 1.0, "without energies"), ([np.array([1.0, np.nan])], 1.0, "finite"), ([], 0.0, "positive")],
)
def test_what_cannot_be_drawn(random: list[np.ndarray], regressed: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        plot(random, [], regressed)


def test_a_single_energy_is_drawn() -> None:
    assert len(pixels(plot([np.array([2.0])], [np.array([2.0])], 2.1), BLUE)) > 5


@pytest.mark.parametrize(("low", "high"), [(1.3, 4.2), (0.02, 900.0), (2.05, 2.2), (0.9, 11.0), (3.3, 4.1)])
def test_energy_ticks_are_round_and_in_range(low: float, high: float) -> None:
    ticks = energy_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert all(low <= tick <= high and float(f"{tick:.2g}") == tick for tick in ticks)
    assert ticks == sorted(ticks)


@pytest.mark.parametrize(("last", "expected"), [(1, [0, 1]), (34, [0, 5, 10, 15, 20, 25, 30]), (599, [0, 100, 200])])
def test_step_ticks(last: int, expected: list[int]) -> None:
    assert step_ticks(last)[: len(expected)] == expected
    assert len(step_ticks(last)) <= 7
