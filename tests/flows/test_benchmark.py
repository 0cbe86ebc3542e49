"""All tables and figures by one call: what is evaluated, in which order, and what is left of it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import pytest
from prefect.testing.utilities import prefect_test_harness

import flows.benchmark
import flows.figures
from data import schemas, tables
from data.collections import discover
from data.faces_dataset import DatasetError
from data.lfw import LfwError
from flows.benchmark import benchmark
from flows.evaluate_lfw import evaluate_lfw
from flows.evaluate_quality import evaluate_quality
from flows.write_tables import missing_rows, write_tables
from tasks.micc_recipes import MEAN_FACE
from tests import judged
from tests.flows.tables import made_rows
from tests.judged import GREEN, RED, World

ALL_FOLDS = [*range(1, 11)]
PHOTOGRAPHS = {"Ann 1": RED, "Ann 2": RED, "Bob 1": GREEN, "Bob 2": GREEN}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def lfw(world: World, tmp_path: Path) -> Path:
    """Every fold shows the same two people."""
    folds = {fold: ["Ann 1 2", "Bob 1 2", "Ann 1 Bob 1", "Ann 2 Bob 2"] for fold in ALL_FOLDS}
    return judged.lfw(tmp_path / "data", PHOTOGRAPHS, folds)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Name, arguments and options of each evaluation, in their order."""
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
    for name in ("evaluate_lfw", "evaluate_quality", "evaluate_micc", "evaluate_textures"):

        def fake(*arguments: Any, _name: str = name, **options: Any) -> list[Any]:
            calls.append((_name, arguments, options))
            return []

        monkeypatch.setattr(getattr(flows.benchmark, name), "fn", fake)
    monkeypatch.setattr(flows.benchmark.open_micc, "fn", lambda *arguments: None)
    return calls


def test_the_evaluations_follow_each_other_in_folders_of_their_own(
    lfw: Path, tmp_path: Path, called: list[Any]
) -> None:
    out = tmp_path / "out"
    methods = ["fast", "ganfit++"]
    benchmark.fn(lfw, out, methods, 9, 3, tmp_path / "micc", tmp_path / "maps", seed=4, processes=2)
    names = ["evaluate_lfw"] * 2 + ["evaluate_quality"] * 2 + ["evaluate_micc", "evaluate_textures"]
    assert [name for name, _, _ in called] == names
    held_out, all_folds, quality, ablation, micc, textures = called
    assert held_out[1] == (lfw, out / "lfw", [MEAN_FACE, *methods])
    assert held_out[2]["photographs"] == 9
    assert held_out[2].get("folds", [10]) == [10]
    assert all_folds[1] == (lfw, out / "lfw", ["fast"])
    assert list(all_folds[2]["folds"]) == ALL_FOLDS
    assert quality[1][1:] == (out / "quality", methods)
    assert ablation[1][1] == out / "quality"
    assert ablation[2]["leave_one_out"] == "ganfit++"
    assert micc[1] == (tmp_path / "micc", out / "micc", methods)
    assert (textures[1][0], textures[1][2]) == (tmp_path / "maps", out / "textures")
    assert all(options["seed"] == 4 for _, _, options in called)
    assert all(options["processes"] == 2 for name, _, options in called if name != "evaluate_textures")


def test_quality_is_of_the_central_faces_of_held_out_people(lfw: Path, tmp_path: Path, called: list[Any]) -> None:
    benchmark.fn(lfw, tmp_path / "out", ["fast", "ganfit++"], corrupted=3)
    for _, (inputs, *_), options in called[2:]:
        assert options["face"] == "central"
        units = discover(inputs).units
        assert len(units) == 3
        assert {unit.subject for unit in units} == {"Ann", "Bob"}


@pytest.mark.parametrize(
    ("methods", "expected"),
    [
        (["ganfit"], ["evaluate_lfw", "evaluate_quality"]),
        (["fast"], ["evaluate_lfw", "evaluate_lfw", "evaluate_quality"]),
        (["ganfit++"], ["evaluate_lfw", "evaluate_quality", "evaluate_quality"]),
    ],
)
def test_what_takes_another_method_or_data_that_is_not_given_is_left_out(
    methods: list[str], expected: list[str], lfw: Path, tmp_path: Path, called: list[Any]
) -> None:
    benchmark.fn(lfw, tmp_path / "out", methods)
    assert [name for name, _, _ in called] == expected


def test_a_folder_that_is_not_lfw_is_an_error_before_anything_else(world: World, tmp_path: Path) -> None:
    with pytest.raises(LfwError):
        benchmark.fn(tmp_path, tmp_path / "out", ["fast"])
    assert world.asked() == (0, 0)


def test_a_folder_that_is_not_micc_is_an_error_before_anything_else(lfw: Path, tmp_path: Path, world: World) -> None:
    with pytest.raises(DatasetError):
        benchmark.fn(lfw, tmp_path / "out", ["fast"], micc=tmp_path)
    assert world.asked() == (0, 0)


def test_tables_and_figures_are_written_and_the_same_call_computes_nothing(
    lfw: Path, tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(path: Path, *_: Any) -> None:
        path.parent.mkdir(exist_ok=True)
        path.touch()

    for name in ("cosine_histogram", "pair_histogram", "corruption_bars"):
        monkeypatch.setattr(flows.figures, name, draw)
    quality: Any = functools.partial(evaluate_quality.fn, corruptions=["none"])
    monkeypatch.setattr(flows.benchmark.evaluate_quality, "fn", quality)
    out = tmp_path / "out"
    written = benchmark.fn(lfw, out, ["fast"], corrupted=2)
    assert all(path.is_file() for path in written)
    assert len(set(written)) == len(written)
    names = {path.relative_to(out).as_posix() for path in written}
    assert {"tables/lfw.md", "tables/lfw.tex", "tables/quality.md", "tables/quality.tex"} <= names
    assert {
        "lfw/figures/lfw-photo-rendering-judge-held-out-fold-4-hash-of-.png",
        "quality/figures/quality-lfw-held-out-2-mae.png",
    } <= names
    assert "0.800 ± 0.000" in (out / "tables/lfw.md").read_text()
    pictures, _ = world.asked()
    assert pictures > 0
    assert benchmark.fn(lfw, out, ["fast"], corrupted=2) == written
    assert world.asked() == (0, 0)


def test_through_prefect_the_evaluations_leave_the_same_rows(lfw: Path, tmp_path: Path) -> None:
    photograph = str(judged.photograph(tmp_path / "ann.png", RED))

    def rows(out: Path, of_lfw: Any, of_quality: Any) -> list[dict[str, Any]]:
        made = [*of_lfw(lfw, out / "lfw", ["fast"]), *of_quality([photograph], out, ["fast"], ["none", "noise"])]
        return [{name: row[name] for name in row if name not in ("run_id", "created_at")} for row in made]

    with prefect_test_harness(server_startup_timeout=120):
        served = rows(tmp_path / "served", evaluate_lfw, evaluate_quality)
    assert len(served) == 3 + 4
    assert served == rows(tmp_path / "plain", evaluate_lfw.fn, evaluate_quality.fn)


def test_only_tables_that_there_are_rows_for_are_written(tmp_path: Path) -> None:
    assert write_tables(tmp_path) == []
    tables.write_part([made_rows.micc(1, 1.25)], schemas.micc(), tmp_path / "micc", "a")
    tables.write_part([made_rows.quality(1, 0.25)], schemas.image_quality(), tmp_path / "quality", "a")
    written = write_tables(tmp_path)
    expected = {f"{name}.{suffix}" for name in ("1", "quality", "ablation") for suffix in ("md", "tex")}
    assert {path.name for path in written} <= expected
    assert {"1.md", "1.tex", "quality.md", "quality.tex"} <= {path.name for path in written}
    assert all(path.parent == tmp_path / "tables" for path in written)
    assert "1.25" in (tmp_path / "tables/1.md").read_text()
    assert r"\toprule" in (tmp_path / "tables/1.tex").read_text()


def test_what_is_missing_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    tables.write_part([made_rows.quality(1, 0.25)], schemas.image_quality(), tmp_path / "quality", "a")
    missing = missing_rows(tmp_path)
    assert any("ganfit evaluate lfw" in line for line in missing)
    assert any("ganfit micc evaluate" in line for line in missing)
    assert not any("\n" in line for line in missing)
