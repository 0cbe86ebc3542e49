"""`ganfit evaluate` and `ganfit benchmark`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from data import schemas, tables
from flows import benchmark, evaluate_lfw, evaluate_quality
from flows.cli import app
from flows.cli_evaluate import CorruptionName, FaceName
from ganfit_core.methods import METHODS
from tasks.evaluate_quality import CORRUPTED
from tasks.micc_recipes import MEAN_FACE
from tests import judged
from tests.flows.tables import made_rows
from tests.judged import GREEN, RED, World


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def lfw(world: World, tmp_path: Path) -> Path:
    photographs = {"Ann 1": RED, "Ann 2": RED, "Bob 1": GREEN, "Bob 2": GREEN}
    folds = {fold: ["Ann 1 2", "Bob 1 2", "Ann 1 Bob 1", "Ann 2 Bob 2"] for fold in range(1, 11)}
    return judged.lfw(tmp_path / "data", photographs, folds)


def one_line(result: Result) -> str:
    """What a user reads of a command that was stopped."""
    (line,) = result.stderr.strip().splitlines()
    return line


def test_lfw_writes_tables_and_figures_and_shows_the_table(lfw: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("evaluate", "lfw", lfw, "--out", out, "--method", "fast")
    assert done.exit_code == 0, done.output
    assert "0.800 ± 0.000" in done.stdout
    assert f"ganfit table lfw {out}" in " ".join(done.stdout.split())
    methods = {row["method"] for row in tables.read(out, "lfw_summary").to_pylist()}
    assert methods == {MEAN_FACE, "fast", "photographs"}
    assert any(path.name.startswith("lfw-photo-rendering-judge") for path in (out / "figures").iterdir())


def test_quality_writes_tables_and_figures_and_shows_the_table(world: World, tmp_path: Path) -> None:
    judged.photograph(tmp_path / "photographs" / "ann.png", RED)
    out = tmp_path / "out"
    options = ["--method", "fast", "--corruption", "none", "--corruption", "noise"]
    done = run("evaluate", "quality", tmp_path / "photographs", "--out", out, *options)
    assert done.exit_code == 0, done.output
    assert "0.1961" in done.stdout  # three quarters of 200 / 255 in one of three channels
    rows = tables.read(out, "image_quality").to_pylist()
    assert {(row["method"], row["corruption"]) for row in rows} == {
        (method, corruption) for method in ("fast", MEAN_FACE) for corruption in ("none", "noise")
    }
    assert (out / "figures" / "quality-photographs-1-mae.png").is_file()


@pytest.mark.parametrize("command", [("evaluate", "lfw"), ("benchmark",)])
def test_a_folder_that_is_not_lfw_is_one_line_and_a_bad_argument(
    command: tuple[str, ...], world: World, tmp_path: Path
) -> None:
    done = run(*command, tmp_path, "--out", tmp_path / "out", "--method", "fast")
    assert done.exit_code == 2
    assert "no pairs.txt" in one_line(done)


def test_a_folder_without_photographs_is_one_line_and_a_bad_argument(world: World, tmp_path: Path) -> None:
    done = run("evaluate", "quality", tmp_path / "nothing", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "nothing" in one_line(done)


@pytest.mark.parametrize("command", ["lfw", "quality"])
def test_a_network_that_is_not_here_is_told_with_how_to_get_it(command: str, lfw: Path, tmp_path: Path) -> None:
    done = run("evaluate", command, lfw, "--out", tmp_path / "out", "--network", "sface")
    assert done.exit_code == 1
    assert "sface is missing: it can be had elsewhere" in one_line(done)


def test_an_ablation_beside_other_methods_is_refused(lfw: Path, tmp_path: Path) -> None:
    done = run("evaluate", "quality", lfw, "--out", tmp_path, "--leave-one-out", "ganfit", "--method", "fast")
    assert done.exit_code == 2
    assert "takes the place of" in one_line(done)


@pytest.mark.parametrize("command", ["lfw", "quality"])
def test_an_unknown_network_is_told_with_the_known_ones(command: str, lfw: Path, tmp_path: Path) -> None:
    done = run("evaluate", command, lfw, "--out", tmp_path / "out", "--network", "eigenfaces")
    assert done.exit_code == 2
    assert "no such network: eigenfaces; there are" in one_line(done)


@pytest.mark.parametrize("command", ["lfw", "quality"])
def test_without_any_network_it_is_told_where_they_come_from(
    command: str, lfw: Path, tmp_path: Path, world: World
) -> None:
    world.hashes.clear()
    done = run("evaluate", command, lfw, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "ganfit assets list" in one_line(done)


@pytest.mark.parametrize("command", ["lfw", "quality"])
def test_a_network_of_the_energy_is_refused(command: str, lfw: Path, tmp_path: Path, world: World) -> None:
    world.loss["dlib-resnet"] = world.hashes["judge"]
    done = run("evaluate", command, lfw, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "judge is part of the energy" in one_line(done)
    assert world.asked() == (0, 0)


@pytest.mark.parametrize(
    "arguments",
    [
        ("evaluate", "lfw", ".", "--out", "out", "--method", "eigenfaces"),
        ("evaluate", "lfw", ".", "--out", "out", "--photographs", "1"),
        ("evaluate", "lfw", "."),
        ("evaluate", "quality", ".", "--out", "out", "--corruption", "rain"),
        ("evaluate", "quality", ".", "--out", "out", "--face", "smallest"),
        ("evaluate", "quality", ".", "--out", "out", "--processes", "0"),
        ("evaluate", "quality", "--out", "out"),
        ("evaluate", "quality", ".", "--out", "out", "--leave-one-out", MEAN_FACE),
        ("benchmark", ".", "--out", "out", "--corrupted", "0"),
        ("benchmark", "."),
        ("benchmark", ".", "--out", "out", "--micc", "nowhere"),
        ("benchmark", ".", "--out", "out", "--maps", "nowhere"),
    ],
)
def test_bad_arguments_end_with_2(arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_out_of_what_minimises_nothing(tmp_path: Path) -> None:
    done = run("evaluate", "quality", tmp_path, "--out", tmp_path / "out", "--leave-one-out", "fast")
    assert done.exit_code == 2
    assert "fast minimises no energy" in one_line(done)


def test_the_corruptions_and_faces_to_choose_from_are_those_that_there_are() -> None:
    assert [name.value for name in CorruptionName] == list(CORRUPTED)
    assert [name.value for name in FaceName] == ["largest", "central"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the flows are asked for; they leave a row."""
    calls: list[tuple[Any, ...]] = []

    def stand_in(table: str) -> Any:
        def fake(*arguments: Any) -> list[Any]:
            calls.append(arguments)
            out = arguments[1]
            if table == "lfw_summary":
                tables.write_part([made_rows.lfw_photos("fast", 0.5)], schemas.lfw_summary(), out, "a")
            elif table == "image_quality":
                tables.write_part([made_rows.quality(1, 0.25)], schemas.image_quality(), out, "a")
            return []

        return fake

    monkeypatch.setattr(evaluate_lfw.evaluate_lfw, "fn", stand_in("lfw_summary"))
    monkeypatch.setattr(evaluate_quality.evaluate_quality, "fn", stand_in("image_quality"))
    monkeypatch.setattr(benchmark.benchmark, "fn", stand_in("none"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return calls


def test_lfw_is_asked_for_the_held_out_fold_and_the_mean_face_by_default(asked: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("evaluate", "lfw", tmp_path, "--out", out).exit_code == 0
    methods = [MEAN_FACE, "fast", "ganfit", "ganfit++"]
    assert asked == [(tmp_path, out, methods, None, [10], None, "laptop", None, 0, 1)]


def test_lfw_passes_on_what_it_was_told(asked: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--method", "fast", "--method", "pcafit", "--network", "sface", "--all-folds", "--photographs", 9]
    more = ["--preset", "paper", "--iterations", 3, "--seed", 4, "--processes", 2]
    done = run("evaluate", "lfw", tmp_path, "--out", out, *options, *more)
    assert done.exit_code == 0, done.output
    assert asked == [(tmp_path, out, ["fast", "pcafit"], ["sface"], [*range(1, 11)], 9, "paper", 3, 4, 2)]


def test_quality_passes_on_what_it_was_told(asked: list[Any], tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ["--method", "ganfit", "--corruption", "low light", "--photographs", 9, "--face", "central"]
    more = ["--network", "sface", "--preset", "paper", "--iterations", 3, "--seed", 4, "--processes", 2]
    done = run("evaluate", "quality", "a", "b", "--out", out, *options, *more)
    assert done.exit_code == 0, done.output
    ((inputs, folder, methods, corruptions, *rest),) = asked
    assert (list(inputs), folder, list(methods), list(corruptions)) == (["a", "b"], out, ["ganfit"], ["low light"])
    assert rest == [None, 9, "central", ["sface"], "paper", 3, 4, 2]


def test_quality_is_of_every_corruption_by_default_and_an_ablation_shows_its_table(
    asked: list[Any], tmp_path: Path
) -> None:
    done = run("evaluate", "quality", "a", "--out", tmp_path / "out", "--leave-one-out", "ganfit++")
    assert done.exit_code == 0, done.output
    ((_, _, _, corruptions, leave_one_out, *_),) = asked
    assert (tuple(corruptions), leave_one_out) == (CORRUPTED, "ganfit++")
    assert "Ablation: the energy without each of its terms" in done.stdout


def test_the_benchmark_takes_the_methods_that_can_run_here(
    asked: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tasks.models

    monkeypatch.setattr(tasks.models, "missing_assets", lambda recipe: ["regressor"] if recipe.texture == "vae" else [])
    folders = {name: tmp_path / name for name in ("micc", "maps")}
    for folder in folders.values():
        folder.mkdir()
    given = [word for name, folder in folders.items() for word in (f"--{name}", folder)]
    done = run("benchmark", tmp_path, "--out", tmp_path / "out", "--corrupted", 7, *given)
    assert done.exit_code == 0, done.output
    able = [name for name, recipe in METHODS.items() if recipe.texture != "vae"]
    assert asked == [(tmp_path, tmp_path / "out", able, None, 7, *folders.values(), 0, 1)]
    assert "missing:" in done.stderr  # there are no rows at all


def test_the_commands_names_are_known_without_the_libraries() -> None:
    script = "import sys, flows.cli_evaluate; print([name for name in ('torch', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
