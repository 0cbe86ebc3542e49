"""`ganfit textures train`, with networks of a few weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tasks.train_texture
from flows.cli import app
from ganfit_core.texture import NetworkConfig, PCAConfig, Stage, TrainingConfig, VAETrainingConfig, load_texture_model
from ganfit_core.texture.discriminator import Discriminator
from ganfit_core.texture.generator import Generator
from ganfit_core.texture.maps import MapShards
from ganfit_core.training.splits import TRAIN
from tasks.models import TEXTURE_ASSETS

NETWORK = NetworkConfig(latent_dim=4, resolution=16, fmap_base=32, fmap_max=8)
TINY = {
    "gan": TrainingConfig(
        network=NETWORK,
        schedule=(Stage(16, "stabilise", 1.0),),
        batch_sizes={16: 8},
        loss="nonsaturating-r1",
        total_images=64,
    ),
    "vae": VAETrainingConfig(network=NETWORK, batch_size=8, total_images=64),
    "pca": PCAConfig(latent_dim=4, resolution=16),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A texture folder, and recipes that suit it."""
    maps = tmp_path / "maps"
    (maps / "maps").mkdir(parents=True)
    rng = np.random.default_rng(0)
    np.save(maps / "maps" / "train-00000.npy", rng.integers(0, 256, (24, 32, 32, 3), dtype=np.uint8))
    np.save(maps / "mask.npy", np.ones((32, 32), np.float32))
    (maps / "source.json").write_text(json.dumps({"photographs": 30, "uv_sha256": "ab"}))
    monkeypatch.setattr(
        tasks.train_texture, "RECIPES", {kind: {"laptop": lambda side, c=config: c} for kind, config in TINY.items()}
    )
    return maps


@pytest.mark.parametrize("kind", TINY)
def test_every_model_is_trained_with_its_provenance(kind: str, folder: Path) -> None:
    out = folder.parent / "out"
    arguments = ["textures", "train", str(folder), "--out", str(out), "--model", kind]
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0, run.output
    path = out / f"texture_{kind}.safetensors"
    assert str(path) in run.output
    model = load_texture_model(path)
    assert model.kind == kind
    assert model.provenance["uv_sha256"] == "ab"
    assert model.provenance["maps"] == "24"
    assert model.provenance["maps_sha256"] == MapShards(folder).sha256()
    assert json.loads(model.provenance["source"])["photographs"] == 30
    for name in ("log.jsonl", "losses.png", "samples"):
        assert (out / name).exists()
    first = path.read_bytes()
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0, again.output
    assert path.read_bytes() == first


@pytest.mark.parametrize("kind", TINY)
def test_maps_of_held_out_people_are_never_read(kind: str, folder: Path) -> None:
    arguments = ["textures", "train", str(folder), "--model", kind, "--out"]
    assert CliRunner().invoke(app, [*arguments, str(folder.parent / "without")]).exit_code == 0
    # reading it would fail
    (folder / "maps" / "held_out-00000.npy").write_bytes(b"maps of people whom no training may see")
    assert len(MapShards(folder, TRAIN)) == 24
    run = CliRunner().invoke(app, [*arguments, str(folder.parent / "beside")])
    assert run.exit_code == 0, run.output
    without, beside = (
        (folder.parent / out / f"texture_{kind}.safetensors").read_bytes() for out in ("without", "beside")
    )
    assert beside == without


def test_rebuilt_maps_do_not_continue_the_training_of_the_old_ones(folder: Path) -> None:
    arguments = ["textures", "train", str(folder), "--out", str(folder.parent / "out")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    shard = folder / "maps" / "train-00000.npy"
    np.save(shard, np.load(shard)[::-1])
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 2
    assert "belongs to other training data" in again.output


def test_a_recipe_of_another_model_and_a_folder_of_another_run_are_told(folder: Path) -> None:
    arguments = ["textures", "train", str(folder), "--out", str(folder.parent / "out"), "--model"]
    run = CliRunner().invoke(app, [*arguments, "vae", "--recipe", "paper"])
    assert run.exit_code == 2
    assert "vae has no recipe paper" in run.output
    assert CliRunner().invoke(app, [*arguments, "vae"]).exit_code == 0
    other = CliRunner().invoke(app, [*arguments, "gan"])
    assert other.exit_code == 2
    assert "another configuration" in other.output


def test_a_folder_without_maps_is_told(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["textures", "train", str(tmp_path), "--out", str(tmp_path / "out")])
    assert run.exit_code == 2
    assert "no UV maps" in run.output


def test_maps_of_an_unfinished_build_are_told(folder: Path) -> None:
    (folder / "source.json").unlink()
    run = CliRunner().invoke(app, ["textures", "train", str(folder), "--out", str(folder.parent / "out")])
    assert run.exit_code == 2
    assert "finish `ganfit textures build`" in run.output


@pytest.mark.parametrize("side", [128, 256, 512])
def test_the_shipped_recipes_suit_their_models(side: int) -> None:
    types = {"gan": TrainingConfig, "vae": VAETrainingConfig, "pca": PCAConfig}
    assert tasks.train_texture.RECIPES.keys() == TEXTURE_ASSETS.keys()
    for model, recipes in tasks.train_texture.RECIPES.items():
        assert "laptop" in recipes
        for recipe in recipes.values():
            config = recipe(side)
            assert type(config) is types[model]
            network = config if isinstance(config, PCAConfig) else config.network
            # the maps become the model's by a whole factor
            assert side % network.resolution == 0


@pytest.mark.parametrize("side", [128, 256, 512])
@pytest.mark.parametrize(("cuda", "precision"), [(True, "bf16"), (False, "fp32")])
def test_the_papers_recipe_is_the_papers(
    side: int, cuda: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    config = tasks.train_texture.RECIPES["gan"]["paper"](side)
    assert isinstance(config, TrainingConfig)
    assert config.network == NetworkConfig(latent_dim=512, resolution=side, fmap_base=8192, fmap_max=512)
    assert (config.loss, config.precision, config.schedule[-1].resolution) == ("wgan-gp", precision, side)
    with torch.device("meta"):
        maps = Generator(config.network)(torch.empty(4, 512))
        assert Discriminator(config.network)(maps).shape == (4,)
    assert maps.shape == (4, 3, side, side)
