"""The flow through Prefect itself, and what it leaves for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from prefect.testing.utilities import prefect_test_harness

import flows.reconstruct
import tasks.models
from data import tables
from tests import doubles
from tests.flows.test_bad_input import picture, save


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five photographs, one without a face."""
    stand_ins = doubles.models()
    monkeypatch.setattr(tasks.models, "load_models", lambda preset, texture: stand_ins)
    for number in range(5):
        save(picture(faces=0 if number == 2 else 1), tmp_path / "photos" / f"{number}.png")
    return tmp_path / "photos"


def test_shards_are_part_files_and_together_hold_every_photograph(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.reconstruct, "SHARD_SIZE", 2)
    table = flows.reconstruct.reconstruct.fn([photos], tmp_path / "out")
    assert len(list(table.rglob("*.parquet"))) == 3
    assert tables.read(tmp_path / "out")["unit_id"].to_pylist() == [f"{n}.png" for n in range(5)]
    (photos / "4.png").unlink()
    flows.reconstruct.reconstruct.fn([photos], tmp_path / "out")
    assert tables.read(tmp_path / "out")["unit_id"].to_pylist() == [f"{n}.png" for n in range(4)]


def test_the_parameter_file_is_read_without_pickle(photos: Path, tmp_path: Path) -> None:
    flows.reconstruct.reconstruct.fn([photos / "0.png"], tmp_path / "out", seed=7)
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


def test_texture_models_share_a_folder_without_touching_each_other(photos: Path, tmp_path: Path) -> None:
    for texture in ("gan", "pca"):
        flows.reconstruct.reconstruct.fn([photos / "0.png"], tmp_path / "out", texture=texture)
    gan, pca = sorted(tables.read(tmp_path / "out").to_pylist(), key=lambda row: row["texture_model"])
    assert (gan["texture_model"], pca["texture_model"]) == ("gan", "pca")
    assert gan["config_sha256"] != pca["config_sha256"]
    assert gan["mesh"] != pca["mesh"]
    for row in (gan, pca):
        assert (tmp_path / "out" / row["mesh"]).is_file()
    with np.load(tmp_path / "out" / Path(pca["mesh"]).with_name("parameters.npz"), allow_pickle=False) as file:
        assert json.loads(str(file["metadata"]))["texture_model"] == "pca"


def test_through_prefect_it_does_the_same(photos: Path, tmp_path: Path) -> None:
    columns = ["unit_id", "status", "stage", "reason", "content_sha256", "identity", "config_sha256", "mesh"]
    flows.reconstruct.reconstruct.fn([photos], tmp_path / "plain")
    with prefect_test_harness(server_startup_timeout=120):
        flows.reconstruct.reconstruct([photos], tmp_path / "served")
    plain, served = (tables.read(tmp_path / name).select(columns).to_pylist() for name in ("plain", "served"))
    assert len(plain) == 5
    assert served == plain
