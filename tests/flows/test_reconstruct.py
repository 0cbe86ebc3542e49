"""The flow through Prefect itself, and what it leaves for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect.testing.utilities import prefect_test_harness

import flows.reconstruct
import tasks.models
from data import tables
from tests import doubles
from tests.flows.test_bad_input import picture, save


def load_stand_ins(
    preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()
) -> tasks.models.Models:
    """In place of tasks.models.load_models."""
    return doubles.models(settings={"preset": preset, "iterations": iterations or 100})


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five photographs, one without a face."""
    monkeypatch.setattr(tasks.models, "load_models", load_stand_ins)
    for number in range(5):
        save(picture(faces=0 if number == 2 else 1), tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def fit(photos: list[Path], out: Path, **options: Any) -> Path:
    """What `ganfit fit` does: everything anew, in this process."""
    return flows.reconstruct.reconstruct.fn(
        [str(photo) for photo in photos], out, again=True, prune=True, isolated=False, **options
    )


def test_shards_are_part_files_and_together_hold_every_photograph(photos: Path, tmp_path: Path) -> None:
    table = fit([photos], tmp_path / "out", shard_size=2)
    assert len(list(table.rglob("*.parquet"))) == 3
    assert sorted(tables.read(tmp_path / "out")["unit_id"].to_pylist()) == [f"{n}.png" for n in range(5)]
    (photos / "4.png").unlink()
    fit([photos], tmp_path / "out", shard_size=2)
    assert sorted(tables.read(tmp_path / "out")["unit_id"].to_pylist()) == [f"{n}.png" for n in range(4)]


def test_the_parameter_file_is_read_without_pickle(photos: Path, tmp_path: Path) -> None:
    fit([photos / "0.png"], tmp_path / "out", seed=7)
    (parameters,) = (tmp_path / "out/faces").glob("*/0.png/parameters.npz")
    with np.load(parameters, allow_pickle=False) as file:
        metadata = json.loads(str(file["metadata"]))
        assert file["camera"].shape == (10,)
        assert file["crop_matrix"].shape == (2, 3)
        assert file["landmarks"].shape == (68, 2)
        assert file["history_total"].shape == (doubles.ITERATIONS,)
    assert metadata["seed"] == 7
    assert metadata["losses"]["total"] == 0.5
    assert metadata["assets"] == {"morphable": "00"}


def test_methods_share_a_folder_without_touching_each_other(photos: Path, tmp_path: Path) -> None:
    recipes = {"fast": "gan", "ganfit++": "gan", "pcafit++": "pca"}
    for method in recipes:
        fit([photos / "0.png"], tmp_path / "out", method=method)
    rows = tables.read(tmp_path / "out").to_pylist()
    assert {row["method"]: row["texture_model"] for row in rows} == recipes
    assert len({row["config_sha256"] for row in rows}) == len({row["mesh"] for row in rows}) == len(rows) == 3
    for row in rows:
        folder = (tmp_path / "out" / row["mesh"]).parent
        assert {"face.glb", "overlay.png"} < {path.name for path in folder.iterdir()}
        with np.load(folder / "parameters.npz", allow_pickle=False) as file:
            metadata = json.loads(str(file["metadata"]))
        assert (metadata["method"], metadata["texture_model"]) == (row["method"], recipes[row["method"]])


def test_the_default_is_ganfit_plus_plus(photos: Path, tmp_path: Path) -> None:
    fit([photos / "0.png"], tmp_path / "out")
    assert tables.read(tmp_path / "out")["method"].to_pylist() == ["ganfit++"]


def test_the_number_of_iterations_reaches_the_models_and_the_hash_of_the_configuration(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(tasks.models, "load_models", lambda *names: [asked.append(names), load_stand_ins(*names)][1])
    for out, iterations in (("a", None), ("b", 30), ("c", 100)):
        fit([photos / "0.png"], tmp_path / out, method="fast", iterations=iterations)
    assert set(asked) == {("laptop", "fast", iterations, ()) for iterations in (None, 30, 100)}
    (preset,), (fewer,), (same,) = (tables.read(tmp_path / out)["config_sha256"].to_pylist() for out in "abc")
    assert fewer != preset == same


def test_an_unknown_method_reads_no_photograph(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="magic"):
        fit([photos], tmp_path / "out", method="magic")
    assert not (tmp_path / "out").exists()


def test_through_prefect_it_does_the_same(photos: Path, tmp_path: Path) -> None:
    columns = ["unit_id", "status", "stage", "reason", "content_sha256", "identity", "config_sha256", "mesh"]
    fit([photos], tmp_path / "plain")
    with prefect_test_harness(server_startup_timeout=120):
        flows.reconstruct.reconstruct([str(photos)], tmp_path / "served", isolated=False)
    plain, served = (tables.read(tmp_path / name).select(columns).to_pylist() for name in ("plain", "served"))
    assert len(plain) == 5
    assert served == plain
