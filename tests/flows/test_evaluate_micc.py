"""From a dataset to the table, with a stand-in for the fit; good and bad people side by side."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tasks.evaluate_micc
import tasks.measure_subject
import tasks.predict_subject
from data import tables
from data.published import PUBLISHED
from data.synthetic_micc.settings import SETTINGS
from evaluation.protocols import PROTOCOLS
from flows.evaluate_micc import evaluate_micc
from ganfit_core.mesh import Surface
from tasks.measure_subject import recipe_of
from tasks.micc_recipes import ABLATION, ablation, table_one
from tests import filmed

DENG, GENOVA = "micc/deng", "micc/genova"
GOOD, FACELESS, SCANLESS, METRES, LAST = range(1, 6)

Evaluate = Callable[..., list[dict[str, Any]]]


def subject(number: int) -> str:
    return f"subject_{number:02d}"


@pytest.fixture
def fitter() -> filmed.Fitter:
    return filmed.Fitter()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Five people, three of whom lack something."""
    root = tmp_path / "people"
    for number in range(1, 6):
        for setting in SETTINGS:
            filmed.film(root, number, setting)
    filmed.film(root, FACELESS, "cooperative", (False,) * filmed.FRAMES)
    filmed.film(root, FACELESS, "indoor").write_bytes(b"")
    filmed.film(root, FACELESS, "outdoor").unlink()
    filmed.scan(root, GOOD, filmed.head(filmed.coefficient(3), filmed.posed))
    damaged = filmed.head()
    damaged.surface.vertices[5] = np.nan
    filmed.scan(root, FACELESS, replace(damaged, surface=Surface(damaged.surface.vertices, damaged.surface.faces)))
    filmed.scan(root, METRES, filmed.head(change=lambda points: points / 1000))
    filmed.scan(root, LAST, filmed.head(0.0, filmed.posed))
    return root


@pytest.fixture
def evaluate(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fitter: filmed.Fitter) -> Evaluate:
    def load(preset: str, method: str, iterations: int | None, without: tuple[str, ...] = ()) -> Any:
        return filmed.models(method, fitter.without(*without) if without else fitter)

    monkeypatch.setattr(tasks.predict_subject, "load_models", load)
    for module in (tasks.predict_subject, tasks.evaluate_micc):
        monkeypatch.setattr(module, "judge_or_none", lambda: None)
    for name in (DENG, GENOVA):  # where heads differ it takes many steps to come to rest
        monkeypatch.setitem(PROTOCOLS, name, replace(PROTOCOLS[name], icp_vertices=300, max_iterations=8))

    def run(**options: Any) -> list[dict[str, Any]]:
        asked: dict[str, Any] = {"methods": ["fast"], "protocols": [DENG], "frames": 3} | options
        return evaluate_micc.fn(root, tmp_path / "out", **asked)

    return run


@pytest.fixture
def plain(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the good person alone, and without pictures."""
    for number in range(1, 6):
        if number != GOOD:
            shutil.rmtree(root / subject(number))
    monkeypatch.setattr(tasks.measure_subject, "_check", lambda *_: "no picture")


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["subject"], row["setting"], recipe_of(row), row["protocol"]


def test_everybody_has_each_row_once_and_bad_ones_harm_no_other(evaluate: Evaluate, tmp_path: Path) -> None:
    protocols = [DENG, GENOVA]
    rows = evaluate(protocols=protocols)
    recipes = table_one(["fast"])
    expected = {
        (subject(number), setting, recipe, protocol)
        for number in range(1, 6)
        for setting in SETTINGS
        for recipe in recipes
        for protocol in protocols
    }
    assert Counter(map(key, rows)) == Counter(expected)
    found = {key(row): row for row in rows}
    for (who, setting, recipe, _), row in found.items():
        if who in (subject(GOOD), subject(LAST)):
            assert (row["status"], row["stage"], row["reason"]) == ("ok", "measure", None)
        elif who == subject(FACELESS) and recipe.fusion == "none":
            assert row["status"] == "ok"
            assert "not finite" in " ".join(row["notes"])
        elif who == subject(FACELESS):
            status, what = {
                "cooperative": ("no_face", "no face on any of 3 frames"),
                "indoor": ("unreadable", "empty file"),
                "outdoor": ("unreadable", "no video of the setting outdoor"),
            }[setting]
            assert row["status"] == status
            assert what in row["reason"]
        else:
            assert (row["status"], row["stage"]) == ("failed", "scan")
            assert ("metres" if who == subject(METRES) else "no scan in the dataset") in row["reason"]
        assert (row["error_mm"] is None) == (row["status"] != "ok")

    floor, single, mean = recipes
    for setting in SETTINGS:
        # One was scanned as the middle frame is reconstructed, the other as the model's mean.
        assert found[subject(GOOD), setting, single, DENG]["error_mm"] < 2e-4
        assert found[subject(LAST), setting, floor, DENG]["error_mm"] < 2e-4
        assert found[subject(LAST), setting, floor, DENG]["scale"] == pytest.approx(1, abs=1e-5)
        assert found[subject(GOOD), setting, mean, DENG]["error_mm"] > 0.01
        assert found[subject(GOOD), setting, floor, DENG]["error_mm"] > 0.05
    scales = {(recipe_of(row), row["scale"]) for row in rows if row["protocol"] == GENOVA and row["status"] == "ok"}
    assert len(scales) == len(recipes)

    out = tmp_path / "out"
    table = tables.read(out, "micc").to_pylist()
    assert Counter(map(key, table)) == Counter(expected)
    for row in table:
        told = found[key(row)]
        for column in ("status", "reason", "error_mm", "rigid_error_mm", "scale", "scan", "frames", "skipped", "check"):
            assert row[column] == told[column], column
        assert (row["dataset"], row["units"], row["seed"], row["judge_sha256"]) == ("people", "mm", 0, None)
        assert "morphable" in dict(row["assets"])
    assert len({row["run_id"] for row in table}) == 1
    assert len({row["config_sha256"] for row in table}) == len(recipes)
    assert tables.read(out, "published").num_rows == len(PUBLISHED)
    pictures = {row["check"] for row in table if row["check"]}
    assert pictures == {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    assert {row["setting"] for row in table if row["check"]} == {"cooperative"}


@pytest.mark.usefixtures("plain")
def test_the_ablation_stands_beside_table_one_and_the_whole_energy_once(evaluate: Evaluate, tmp_path: Path) -> None:
    few: dict[str, Any] = {"settings": ["outdoor"]}
    evaluate(methods=["ganfit++"], **few)
    evaluate(leave_one_out="ganfit++", **few)
    recipes = {*table_one(["ganfit++"]), *ablation("ganfit++")}
    assert len(recipes) == 4 + len(ABLATION)
    table = tables.read(tmp_path / "out", "micc").to_pylist()
    assert Counter(map(key, table)) == Counter((subject(GOOD), "outdoor", recipe, DENG) for recipe in recipes)
    for row in table:
        if row["fusion"] == "joint":
            assert row["identity"][2] == len(row["without"])


@pytest.mark.usefixtures("plain")
def test_a_second_run_reconstructs_nothing_but_what_has_changed(
    evaluate: Evaluate, root: Path, fitter: filmed.Fitter, tmp_path: Path
) -> None:
    few: dict[str, Any] = {"methods": ["ganfit"], "settings": ["indoor", "outdoor"]}
    first = evaluate(**few)
    assert fitter.fits == 2 * 2  # one frame and all, of two videos
    second = evaluate(**few)
    assert fitter.fits == 4
    changing = dict.fromkeys(("run_id", "created_at"))
    assert [row | changing for row in second] == [row | changing for row in first]
    filmed.film(root, GOOD, "indoor", (True, True, True, False, True, True))
    third = evaluate(**few)
    assert fitter.fits == 6
    assert [row["frames"] for row in first] == [[], [3], [1, 3, 5]] * 2
    assert [row["frames"] for row in third] == [[], [5], [1, 5], [], [3], [1, 3, 5]]
    table = tables.read(tmp_path / "out", "micc").to_pylist()
    assert Counter(map(key, table)) == Counter(map(key, first))
    assert {row["run_id"] for row in table} == {third[0]["run_id"]}
