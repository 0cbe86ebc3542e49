"""`ganfit regressor build` and `train`, with a network of a few weights."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data as pictures
from typer.testing import CliRunner

import tasks.train_regressor
from flows.cli import app
from ganfit_core.regressor import EncoderConfig, RegressorTrainingConfig, load_regressor
from ganfit_core.regressor.crops import Crops
from ganfit_core.training.splits import HELD_OUT, TRAIN
from tasks.models import TEXTURE_ASSETS

PEOPLE = ("Ada_One", "Bob_Two", "Eve_Three")
HELD = "Eve_Three"


def tiny(encoder: EncoderConfig) -> RegressorTrainingConfig:
    small = dataclasses.replace(
        encoder, input_size=64, stem_channels=4, stage_channels=(4, 4), stage_blocks=(1, 1), hidden=8
    )
    return RegressorTrainingConfig(encoder=small, render_size=48, batch_size=2, total_images=4, align_share=0.5)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two people to learn from, one held out, and a photograph without a face."""
    folder = tmp_path / "photos"
    astronaut = cv2.cvtColor(pictures.astronaut(), cv2.COLOR_RGB2BGR)
    for shade, person in enumerate(PEOPLE):
        (folder / person).mkdir(parents=True)
        cv2.imwrite(str(folder / person / f"{person}_0001.png"), (astronaut * (1 - 0.1 * shade)).astype(np.uint8))
    (folder / "Nobody").mkdir()
    cv2.imwrite(str(folder / "Nobody" / "Nobody_0001.png"), np.full((200, 200, 3), 90, np.uint8))
    return folder


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """LFW's format: in the tenth fold, nobody but one of our people."""
    lines = ["10\t300"]
    lines += [f"Some_One\t{i}\tOther_One\t{i}" for i in range(9 * 600)]
    lines += [f"{HELD}\t1\t2"] * 600
    path = tmp_path / "pairs.txt"
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
def crops(photos: Path, pairs: Path, tmp_path: Path) -> Path:
    out = tmp_path / "crops"
    run = CliRunner().invoke(app, ["regressor", "build", str(photos), "--out", str(out), "--pairs", str(pairs)])
    assert run.exit_code == 0, run.output
    return out


def test_people_are_kept_apart_and_a_build_resumes(
    crops: Path, photos: Path, pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(Crops(crops, TRAIN).unit_ids) == [f"{p}/{p}_0001.png" for p in PEOPLE if p != HELD]
    assert Crops(crops, HELD_OUT).unit_ids == [f"{HELD}/{HELD}_0001.png"]
    without = [json.loads(str(np.load(file)["without"])) for file in crops.glob("*.npz")]
    assert {"Nobody/Nobody_0001.png": "no face"} in without

    def no_more(*_: object) -> None:
        raise AssertionError("aligned again")

    monkeypatch.setattr("tasks.crop_faces.align_photos", no_more)
    again = ["regressor", "build", str(photos), "--out", str(crops), "--pairs", str(pairs)]
    assert CliRunner().invoke(app, again).exit_code == 0


def test_training_writes_weights_with_their_provenance(
    crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tasks.train_regressor.RECIPES, "laptop", tiny)
    out = tmp_path / "out"
    run = CliRunner().invoke(app, ["regressor", "train", str(crops), "--out", str(out), "--texture", "pca"])
    assert run.exit_code == 0, run.output
    regressor = load_regressor(out / "regressor_pca.safetensors")
    from data import assets

    assert regressor.texture_kind == "pca"
    assert regressor.provenance["texture_sha256"] == assets.locate(TEXTURE_ASSETS["pca"]).sha256
    assert regressor.provenance["morphable_sha256"] == assets.locate("morphable").sha256
    assert regressor.provenance["crops"] == "2"
    assert "fold 10" in regressor.provenance["source"]


def test_a_folder_without_crops_is_one_clear_message(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["regressor", "train", str(tmp_path), "--out", str(tmp_path / "out")])
    assert run.exit_code == 2
    assert "ganfit regressor build" in run.output


def test_maps_of_other_photographs_are_refused(crops: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pandas as pd

    maps = tmp_path / "maps"
    (maps / "maps").mkdir(parents=True)
    np.save(maps / "maps" / "train-00000.npy", np.zeros((1, 128, 128, 3), np.uint8))
    np.save(maps / "mask.npy", np.ones((128, 128), np.float32))
    index = pd.DataFrame({"unit_id": ["else.png"], "file": ["train-00000.npy"], "row": [0]})
    index.to_parquet(maps / "index.parquet")
    monkeypatch.setitem(tasks.train_regressor.RECIPES, "laptop", tiny)
    arguments = ["regressor", "train", str(crops), "--out", str(tmp_path / "out"), "--maps", str(maps)]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 2
    assert "none of the crops' photographs has a map" in run.output


def test_a_crop_knows_its_map(crops: Path, tmp_path: Path) -> None:
    import pandas as pd

    maps = tmp_path / "maps"
    (maps / "maps").mkdir(parents=True)
    learnt = Crops(crops, TRAIN)
    for number in range(2):
        np.save(maps / "maps" / f"train-{number:05d}.npy", np.zeros((2, 128, 128, 3), np.uint8))
    np.save(maps / "mask.npy", np.ones((128, 128), np.float32))
    rows = {"unit_id": [learnt.unit_ids[0], "gone.png"], "file": ["train-00001.npy", None], "row": [1, None]}
    pd.DataFrame(rows).to_parquet(maps / "index.parquet")
    known = tasks.train_regressor._known_maps(maps, learnt)
    assert known.of_crop.tolist() == [3, -1]
