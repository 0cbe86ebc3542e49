"""Which rows go into which figure; the drawing itself is tested in test_figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import flows.figures
from flows.draw_figures import draw_lfw, draw_quality
from flows.evaluate_lfw import evaluate_lfw
from flows.evaluate_quality import evaluate_quality
from tasks.micc_recipes import MEAN_FACE
from tests import judged
from tests.judged import GREEN, RED, WALL, World

LEVEL = 200 / 255
SECTION = "judge-held-out-fold-4-hash-of-"
"""Network, choice of photographs, weights."""
PHOTOGRAPHS = {"Ann 1": RED, "Ann 2": RED, "Bob 1": GREEN, "Cas 1": WALL, "Dan 1": GREEN, "Dan 2": RED}
FOLDS = {
    9: ["Dan 1 2", "Dan 1 2", "Dan 1 Dan 2", "Dan 1 Dan 2"],
    10: ["Ann 1 2", "Bob 1 1", "Ann 1 Bob 1", "Ann 2 Cas 1"],
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def lfw(world: World, tmp_path: Path) -> Path:
    root = judged.lfw(tmp_path / "data", PHOTOGRAPHS, FOLDS)
    evaluate_lfw.fn(root, tmp_path / "out", [MEAN_FACE, "ganfit", "fast"], folds=[10])
    return tmp_path / "out"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Any, ...]]:
    """Name of a figure -> what was to be drawn."""
    figures: dict[str, tuple[Any, ...]] = {}

    def draw(path: Path, *arguments: Any) -> None:
        figures[path.name] = arguments

    for name in ("cosine_histogram", "pair_histogram", "corruption_bars"):
        monkeypatch.setattr(flows.figures, name, draw)
    return figures


def test_cosines_of_photographs_are_shown_by_method_in_the_tables_order(lfw: Path, drawn: dict[str, Any]) -> None:
    paths = draw_lfw(lfw)
    assert sorted(path.name for path in paths) == sorted(drawn)
    cosines, title = drawn[f"lfw-photo-rendering-{SECTION}.png"]
    assert list(cosines) == [MEAN_FACE, "ganfit", "fast"]
    np.testing.assert_allclose(cosines["fast"], [0.8] * 3, atol=1e-6)  # without Cas, who has no face
    np.testing.assert_allclose(cosines["ganfit"], [1] * 3, atol=1e-6)
    assert title == "photographs and their renderings, by judge\nlfw-small, held-out fold, 4 photographs"


def test_pairs_are_shown_for_photographs_and_each_method(lfw: Path, drawn: dict[str, Any]) -> None:
    draw_lfw(lfw)
    for method in ("photographs", "fast", "ganfit"):
        same, different, title = drawn[f"lfw-pairs-{SECTION}-{method}.png"]
        np.testing.assert_allclose(same, [1, 1], atol=1e-6)
        np.testing.assert_allclose(different, [0], atol=1e-6)
        shown = "photographs" if method == "photographs" else f"renderings of {method}"
        assert title.startswith(f"pairs of {shown}, by judge\n")
    same, different, *_ = drawn[f"lfw-pairs-{SECTION}-mean-face.png"]
    np.testing.assert_allclose([*same, *different], [1] * 3, atol=1e-6)


def test_another_choice_of_photographs_has_figures_of_its_own(lfw: Path, drawn: dict[str, Any], tmp_path: Path) -> None:
    draw_lfw(lfw)
    before = dict(drawn)
    evaluate_lfw.fn(tmp_path / "data", lfw, ["fast"], folds=[9, 10])
    drawn.clear()
    draw_lfw(lfw)
    np.testing.assert_equal({name: drawn[name] for name in before}, before)
    section = "judge-folds-9-10-6-hash-of-"
    added = {f"lfw-pairs-{section}-{name}.png" for name in ("fast", "photographs")}
    assert set(drawn) - set(before) == {f"lfw-photo-rendering-{section}.png", *added}


def test_other_weights_of_a_network_have_figures_of_their_own(
    lfw: Path, world: World, drawn: dict[str, Any], tmp_path: Path
) -> None:
    world.hashes["judge"] = "other"
    evaluate_lfw.fn(tmp_path / "data", lfw, ["fast"], folds=[10])
    draw_lfw(lfw)
    old, new = (drawn[f"lfw-photo-rendering-judge-held-out-fold-4-{name}.png"] for name in ("hash-of-", "other"))
    assert (list(old[0]), list(new[0])) == ([MEAN_FACE, "ganfit"], ["fast"])


def test_a_method_with_two_settings_is_shown_twice(lfw: Path, drawn: dict[str, Any], tmp_path: Path) -> None:
    evaluate_lfw.fn(tmp_path / "data", lfw, ["fast"], folds=[10], seed=5)
    draw_lfw(lfw)
    cosines, _ = drawn[f"lfw-photo-rendering-{SECTION}.png"]
    assert len([name for name in cosines if name.startswith("fast")]) == 2
    assert all(len(values) == 3 for values in cosines.values())


def test_pairs_of_one_kind_have_no_figure(world: World, drawn: dict[str, Any], tmp_path: Path) -> None:
    root = judged.lfw(
        tmp_path / "data", PHOTOGRAPHS, FOLDS | {10: ["Ann 1 2", "Ann 1 2", "Ann 2 Cas 1", "Bob 1 Cas 1"]}
    )
    evaluate_lfw.fn(root, tmp_path / "out", ["fast"], folds=[10])
    assert [path.name for path in draw_lfw(tmp_path / "out")] == [f"lfw-photo-rendering-{SECTION}.png"]


@pytest.fixture
def quality(world: World, tmp_path: Path) -> Path:
    for name, colour in {"ann.png": RED, "bob.png": GREEN, "cas.png": WALL}.items():
        judged.photograph(tmp_path / "photographs" / name, colour)
    evaluate_quality.fn([str(tmp_path / "photographs")], tmp_path / "out", ["ganfit", "fast"], ["noise", "none"])
    return tmp_path / "out"


def test_quality_is_shown_by_method_and_corruption_in_the_tables_order(quality: Path, drawn: dict[str, Any]) -> None:
    paths = draw_quality(quality)
    assert (
        sorted(path.name for path in paths)
        == sorted(drawn)
        == [f"quality-photographs-3-{measure}.png" for measure in ("cosine-judge", "mae")]
    )
    errors, *_ = drawn["quality-photographs-3-mae.png"]
    assert list(errors) == [MEAN_FACE, "ganfit", "fast"]
    assert all(list(values) == ["none", "noise"] for values in errors.values())
    np.testing.assert_allclose(errors["fast"]["none"], [LEVEL / 4] * 2, atol=1e-5)
    cosines, *_ = drawn["quality-photographs-3-cosine-judge.png"]
    np.testing.assert_allclose(cosines["fast"]["none"], [0.8] * 2, atol=1e-6)


def test_rows_of_the_ablation_are_not_in_the_figures(quality: Path, drawn: dict[str, Any], tmp_path: Path) -> None:
    draw_quality(quality)
    before = dict(drawn)
    evaluate_quality.fn([str(tmp_path / "photographs")], quality, leave_one_out="ganfit")
    draw_quality(quality)
    assert drawn == before


def test_without_rows_nothing_is_drawn(tmp_path: Path, drawn: dict[str, Any]) -> None:
    assert draw_lfw(tmp_path) == draw_quality(tmp_path) == []
    assert not drawn


def test_what_is_drawn_are_pictures(lfw: Path) -> None:
    paths = draw_lfw(lfw)
    assert len(paths) == 1 + 4
    for path in paths:
        assert path.parent == lfw / "figures"
        with Image.open(path) as picture:
            assert min(picture.size) > 200
