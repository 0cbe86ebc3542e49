"""Figures of the evaluation: the files, and what is drawn in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from PIL import Image

from flows.figures import corruption_bars, cosine_histogram, pair_histogram
from flows.figures.canvas import axes, style
from flows.figures.corruptions import draw_bars
from flows.figures.cosines import draw_cosines

BARS = {"fast": {"none": [0.5, 0.7], "mask": [0.1, 0.3, 0.2]}, "ganfit++": {"mask": [0.4], "blur": [0.9, 0.5]}}


def cosines(mean: float, n: int = 200, seed: int = 0) -> np.ndarray:
    """Invented ones."""
    return np.clip(np.random.default_rng(seed).normal(mean, 0.1, n), -1, 1)


def empty_axes() -> Axes:
    """To draw on."""
    return Figure().subplots()


def legend_of(canvas: Axes) -> list[str]:
    """The words of the legend."""
    legend = canvas.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def pixels(path: Path) -> np.ndarray:
    """Of the only file in its folder."""
    assert list(path.parent.iterdir()) == [path]
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"))


def test_the_figures_are_pictures_and_leave_nothing_beside_them(tmp_path: Path) -> None:
    cosine_histogram(tmp_path / "a" / "x.png", {"fast": cosines(0.3), "ganfit++": cosines(0.6)}, "LFW")
    pair_histogram(tmp_path / "b" / "x.png", cosines(0.6), cosines(0.1), "LFW")
    corruption_bars(tmp_path / "c" / "x.png", BARS, "photographs", "cosine")
    for name in "abc":
        picture = pixels(tmp_path / name / "x.png")
        assert picture.shape == (720, 1350, 3)
        # white paper with the first two colours on it
        assert (picture == 255).all(axis=2).mean() > 0.5
        for place in range(2):
            colour = [int(style(place).colour[i : i + 2], 16) for i in (1, 3, 5)]
            assert (picture == colour).all(axis=2).any()


def test_a_title_with_a_dollar_sign_is_no_formula(tmp_path: Path) -> None:
    cosine_histogram(tmp_path / "x.png", {"$a_{": cosines(0.3)}, "of $x_{ and y$")
    assert pixels(tmp_path / "x.png").size


def test_a_figure_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"old")

    def draw() -> None:
        with axes(path) as canvas:
            canvas.plot([1, 2])
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        draw()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_legend_says_mean_and_number_of_each_method() -> None:
    canvas = empty_axes()
    draw_cosines(canvas, {"fast": np.array([0.25, 0.35]), "ganfit++": np.full(1200, 0.5)})
    assert legend_of(canvas) == ["fast: mean 0.300, n 2", "ganfit++: mean 0.500, n 1,200"]


def test_histograms_share_bins_and_have_an_area_of_one_each() -> None:
    canvas = empty_axes()
    # cosines on the bins' edges, and one that rounding carried beyond 1
    draw_cosines(canvas, {"a": 0.04 * np.arange(-25, 26), "b": cosines(0.6), "c": np.array([1 + 1e-7])})
    outlines = [patch.get_data() for patch in canvas.patches if isinstance(patch, StepPatch)]
    assert len(outlines) == 6
    for outline in outlines:
        np.testing.assert_array_equal(outline.edges, outlines[0].edges)
        assert float(outline.values @ np.diff(outline.edges)) == pytest.approx(1.0)


def test_all_cosines_are_in_view() -> None:
    canvas = empty_axes()
    draw_cosines(canvas, {"fast": np.full(3, 0.3), "ganfit": np.full(3, 0.5)})
    np.testing.assert_allclose(canvas.get_xlim(), (0.25, 0.55))


def test_the_title_of_pairs_says_how_well_they_are_parted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    titles = []
    monkeypatch.setattr(Axes, "set_title", lambda self, title: titles.append(title))
    # 0.2 is below two of three, and one is a tie
    pair_histogram(tmp_path / "x.png", np.array([0.9, 0.5]), np.array([0.1, 0.5]), "LFW")
    assert titles == ["LFW\narea under the ROC curve: 0.8750"]


@pytest.mark.parametrize(
    "given",
    [{}, {"fast": np.zeros(0)}, {"fast": np.array([0.1, np.nan])}, {"fast": np.array([0.1, 1.1])}],
    ids=["no method", "no cosine", "nan", "above 1"],
)
def test_nothing_to_show_is_refused(given: dict[str, np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no cosines"):
        cosine_histogram(tmp_path / "x.png", given, "LFW")
    assert not list(tmp_path.iterdir())


def test_pairs_of_one_kind_only_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different: no cosines"):
        pair_histogram(tmp_path / "x.png", cosines(0.5), np.zeros(0), "LFW")


def test_bars_are_means_with_standard_errors_and_gaps_where_there_is_nothing() -> None:
    canvas = empty_axes()
    draw_bars(canvas, BARS)
    assert [label.get_text() for label in canvas.get_xticklabels()] == ["none", "mask", "blur"]
    assert legend_of(canvas) == ["fast", "ganfit++"]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in canvas.patches]
    np.testing.assert_allclose(middles, [-0.2, 0.8, 1.2, 2.2])
    np.testing.assert_allclose([bar.get_height() for bar in canvas.patches], [0.6, 0.2, 0.4, 0.7])
    reaches = [np.ptp(segment[:, 1]) / 2 for bars in canvas.collections for segment in bars.get_segments()]
    np.testing.assert_allclose(reaches, [0.1, 0.1 / np.sqrt(3), 0.0, 0.2], atol=1e-12)


@pytest.mark.parametrize("given", [{}, {"fast": {}}, {"fast": {"none": [np.nan]}}])
def test_bars_of_nothing_are_refused(given: dict[str, dict[str, list[float]]], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no numbers"):
        corruption_bars(tmp_path / "x.png", given, "photographs", "cosine")


def test_two_dozen_things_are_drawn_differently() -> None:
    assert len({style(place) for place in range(24)}) == 24
