"""From maps and weights to the table of scores, with a small network in place of VGG16."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from typer.testing import CliRunner, Result

import flows.scores
from data import tables
from data.assets import Found, MissingAssetError, hashing
from data.published import PUBLISHED
from evaluation.extractors import EXTRACTORS, FeatureExtractor
from evaluation.uv_face import PER_PERSON
from flows.cli import app
from flows.evaluate_textures import TRAINING_MAPS, evaluate_textures
from flows.tables import textures
from ganfit_core.texture import NetworkConfig
from ganfit_core.texture.generator import Generator
from tasks import score_textures

SIDE = 16
MADE_OF = {"held_out": "fold 10 of pairs.txt", "pairs_sha256": "12", "uv_sha256": "cd"}


class Means(FeatureExtractor):
    """The mean colours of six parts; counts what it was shown."""

    name = "means"
    version = "1"
    metric = "Frechet distance (means)"
    input_size = 8
    dim = 18
    shown: ClassVar[int] = 0

    @classmethod
    def load(cls, path: Path) -> Self:
        return cls()

    def forward(self, images: Tensor) -> Tensor:
        Means.shown += len(images)
        return functional.adaptive_avg_pool2d(images, (3, 2)).flatten(1)


@pytest.fixture(autouse=True)
def extractor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`means` as a known network, and a cache of our own."""
    monkeypatch.setitem(EXTRACTORS, "means", Means)
    monkeypatch.setattr(score_textures.assets, "locate", lambda name: Found(Path("means"), "here", "ab" * 32))
    monkeypatch.setattr(hashing.platformdirs, "user_cache_dir", lambda name: str(tmp_path / "cache"))
    monkeypatch.setattr(Means, "shown", 0)
    score_textures._extractor.cache_clear()


def write_index(folder: Path, people: list[str]) -> None:
    """The index of 60 training maps, of held-out maps of these people, and of a photograph that gave none."""
    files = ["train-00000.npy"] * 40 + ["train-00001.npy"] * 20 + ["held_out-00000.npy"] * len(people)
    rows = [*range(40), *range(20), *range(len(people))]
    index = pd.DataFrame(
        {
            "subject": ["trained"] * 60 + people + ["refused"],
            "split": ["train"] * 60 + ["held_out"] * (len(people) + 1),
            "file": [*files, None],
            "row": [*rows, -1],
        }
    )
    index.sample(frac=1, random_state=0).to_parquet(folder / "index.parquet", index=False)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """60 training maps and 50 of other people, of 32 texels: one distribution, brighter in the lower half."""
    folder = tmp_path / "maps"
    (folder / "maps").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, count in (("train-00000", 40), ("train-00001", 20), ("held_out-00000", 50)):
        shard = random.integers(60, 120, (count, 1, 1, 3)) + random.integers(0, 30, (count, 32, 32, 3))
        shard[:, 16:] += 80
        np.save(folder / "maps" / f"{name}.npy", shard.astype(np.uint8))
    mask = np.zeros((32, 32), np.float32)
    mask[4:28, 4:28] = 1
    np.save(folder / "mask.npy", mask)
    write_index(folder, [f"person {i // 5}" for i in range(50)])
    (folder / "source.json").write_text(json.dumps(MADE_OF))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """An untrained generator of 16 texels, half the maps' side."""
    path = tmp_path / "gan.safetensors"
    save_generator(path, MADE_OF)
    return path


def save_generator(path: Path, made_of: dict[str, str]) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = NetworkConfig(latent_dim=8, resolution=SIDE, fmap_base=64, fmap_max=8)
        provenance = {"uv_sha256": made_of["uv_sha256"]} if "uv_sha256" in made_of else {}
        Generator(config).save(path, {**provenance, "source": json.dumps(made_of)})


def evaluate(maps: Path, model: Path, out: Path, **options: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = evaluate_textures.fn(maps, {"gan": model}, out, extractor="means", **options)
    return found


def test_a_model_is_scored_beside_the_real_maps(maps: Path, model: Path, tmp_path: Path) -> None:
    gan, real = evaluate(maps, model, tmp_path / "out", n=50)
    assert (gan["texture_model"], real["texture_model"]) == ("gan", TRAINING_MAPS)
    assert gan["frechet"] > 10 * real["frechet"]
    assert gan["kid_low"] > 0
    assert real["kid_low"] <= 0 <= real["kid_high"]
    assert gan["asset_sha256"] == hashing.sha256_of(model)
    assert (gan["resolution"], gan["n_generated"], gan["n_reference"]) == (SIDE, 50, 50)
    assert gan["reference_sha256"] == real["reference_sha256"] != real["asset_sha256"]
    assert gan["metric"] == "Frechet distance (means)"
    assert gan["warning"] is None
    written = tables.read(tmp_path / "out", "frechet").sort_by("texture_model").to_pylist()
    assert written == [gan, real]
    assert tables.read(tmp_path / "out", "published").num_rows == len(PUBLISHED)


def test_features_are_computed_once_and_rows_replaced(maps: Path, model: Path, tmp_path: Path) -> None:
    first = evaluate(maps, model, tmp_path / "out", n=50)
    assert Means.shown == 150  # samples, held-out maps, training maps
    again = evaluate(maps, model, tmp_path / "out", n=50)
    assert Means.shown == 150
    assert [row["frechet"] for row in again] == [row["frechet"] for row in first]
    assert tables.read(tmp_path / "out", "frechet").num_rows == 2
    other = evaluate(maps, model, tmp_path / "out", n=50, seed=1)
    assert Means.shown == 250  # the held-out maps are the same
    assert other[0]["frechet"] != first[0]["frechet"]
    assert tables.read(tmp_path / "out", "frechet").num_rows == 4


def test_the_famous_do_not_fill_the_reference(maps: Path, model: Path, tmp_path: Path) -> None:
    write_index(maps, ["famous"] * 12 + [f"person {i}" for i in range(38)])
    first = evaluate(maps, model, tmp_path / "out", n=50)[0]
    assert first["n_reference"] == 38 + PER_PERSON
    shard = maps / "maps" / "held_out-00000.npy"
    changed = np.load(shard)
    changed[PER_PERSON:12] = 0  # maps of the famous beyond the first ones
    np.save(shard, changed)
    assert evaluate(maps, model, tmp_path / "out", n=50)[0]["frechet"] == first["frechet"]


def test_other_held_out_maps_are_not_taken_for_the_remembered_ones(maps: Path, model: Path, tmp_path: Path) -> None:
    before = evaluate(maps, model, tmp_path / "out", n=50)[0]
    shard = maps / "maps" / "held_out-00000.npy"
    np.save(shard, np.load(shard)[::-1] // 2)
    after = evaluate(maps, model, tmp_path / "out", n=50)[0]
    assert after["reference_sha256"] != before["reference_sha256"]
    assert after["frechet"] != before["frechet"]


@pytest.mark.parametrize(("name", "value"), [("version", "2"), ("input_size", 16), ("name", "other")])
def test_features_of_other_code_are_not_taken_for_the_remembered_ones(
    maps: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    evaluate(maps, model, tmp_path / "out", n=50)
    monkeypatch.setattr(Means, name, value)
    evaluate(maps, model, tmp_path / "out", n=50)
    assert Means.shown == 300


def test_torn_features_are_not_trusted(maps: Path, model: Path, tmp_path: Path) -> None:
    first = evaluate(maps, model, tmp_path / "out", n=50)
    for path in (tmp_path / "cache" / "features").iterdir():
        path.write_bytes(path.read_bytes()[:-100])
    again = evaluate(maps, model, tmp_path / "out", n=50)
    assert Means.shown == 300
    assert [row["frechet"] for row in again] == [row["frechet"] for row in first]


def test_few_samples_are_told_in_the_row_and_on_the_terminal(maps: Path, model: Path, tmp_path: Path) -> None:
    rows = evaluate(maps, model, tmp_path / "out", n=20)
    assert rows[0]["warning"] is not None
    assert rows[0]["warning"].startswith("20 samples for 18 features are few")
    (sheet,) = textures.report(rows).sheets
    assert f"(!) {rows[0]['warning']}." in sheet.notes
    assert "(!)" in sheet.sections[0].rows[0][1]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"n": 10}, "too few"), ({"models": "vae"}, "holds a gan")],
)
def test_unfit_input_is_refused(maps: Path, model: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    models = {options.get("models", "gan"): model}
    with pytest.raises(ValueError, match=message):
        evaluate_textures.fn(maps, models, tmp_path / "out", n=options.get("n", 50), extractor="means")


@pytest.mark.parametrize("name", MADE_OF)
@pytest.mark.parametrize("side", ["model", "maps"])
def test_a_model_of_other_people_or_another_layout_is_refused(
    maps: Path, model: Path, tmp_path: Path, name: str, side: str
) -> None:
    without = {key: value for key, value in MADE_OF.items() if key != name}
    for made_of in ({**MADE_OF, name: "another"}, without):
        if side == "model":
            save_generator(model, made_of)
        else:
            (maps / "source.json").write_text(json.dumps(made_of))
        what = "UV coordinates" if name == "uv_sha256" else "held-out people"
        with pytest.raises(ValueError, match=f"was trained with other {what}"):
            evaluate(maps, model, tmp_path / "out", n=50)
    assert Means.shown == 0


def test_where_nobody_was_held_out_nothing_is_scored(maps: Path, model: Path, tmp_path: Path) -> None:
    nobody: dict[str, Any] = {**MADE_OF, "held_out": None, "pairs_sha256": None}
    save_generator(model, nobody)
    (maps / "source.json").write_text(json.dumps(nobody))
    with pytest.raises(ValueError, match="held-out people"):
        evaluate(maps, model, tmp_path / "out", n=50)
    (maps / "source.json").unlink()
    with pytest.raises(ValueError, match=r"holds no source\.json"):
        evaluate(maps, model, tmp_path / "out", n=50)


def test_ours_and_the_papers_stand_apart(maps: Path, model: Path, tmp_path: Path) -> None:
    (sheet,) = textures.report(evaluate(maps, model, tmp_path / "out", n=50)).sheets
    ours, *theirs = sheet.sections
    assert "Frechet distance (means)" in ours.title
    assert [row[0] for row in ours.rows] == ["gan", TRAINING_MAPS]
    assert all(section.title.startswith("fid/ganfit-paper, published") for section in theirs)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["textures", "evaluate", *(str(argument) for argument in arguments)])


def test_the_command_prints_ours_beside_the_papers(
    maps: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXTRACTORS, "vgg16", Means)
    monkeypatch.setattr(flows.scores, "TEXTURE_ASSETS", {})
    done = run(maps, "--out", tmp_path / "out", "--gan", model, "--n", 50)
    assert done.exit_code == 0, done.output
    assert "training maps" in done.output
    assert "2.95" in done.output
    assert tables.read(tmp_path / "out", "frechet").num_rows == 2


def test_the_command_tells_what_is_wrong_in_one_line(
    maps: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flows.scores, "TEXTURE_ASSETS", {})
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "text").write_text("no weights")
    indexless, shorter = (shutil.copytree(maps, tmp_path / name) for name in ("indexless", "shorter"))
    (indexless / "index.parquet").unlink()
    write_index(shorter, ["somebody"] * 49)
    for arguments, code, message in (
        ((empty, "--gan", model), 2, "holds no"),
        ((maps, "--vae", model), 2, "holds a gan"),
        ((maps, "--gan", tmp_path / "text"), 2, "no texture model"),
        ((maps,), 2, "no texture model to score"),
        ((indexless, "--gan", model), 2, "no index.parquet"),
        ((shorter, "--gan", model), 2, "lists 49 held-out maps"),
    ):
        done = run(*arguments, "--out", tmp_path / "out")
        assert done.exit_code == code, done.output
        assert message in done.output
        assert "Traceback" not in done.output

    def missing(name: str) -> Found:
        raise MissingAssetError(f"{name} is missing: ganfit assets build {name}")

    monkeypatch.setattr(score_textures.assets, "locate", missing)
    done = run(maps, "--gan", model, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "ganfit assets build vgg16" in done.output
    assert not (tmp_path / "out" / "frechet").exists()
