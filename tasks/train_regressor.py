"""Aligned crops -> a trained regressor."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet
import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.assets.hashing import sha256_of
from ganfit_core.fitting import PRESETS
from ganfit_core.identity.dlib_resnet import DlibResNet
from ganfit_core.morphable import MorphableModel
from ganfit_core.regressor import EncoderConfig, RegressorTrainingConfig, load_regressor
from ganfit_core.regressor.crops import Crops
from ganfit_core.regressor.trainer import KnownMaps, Models, RegressorTrainer
from ganfit_core.texture.maps import MapShards
from ganfit_core.texture.model import load_texture_model
from ganfit_core.training.loop import TrainingResult, train
from ganfit_core.training.splits import HELD_OUT, TRAIN
from tasks.code import code_version
from tasks.complete_maps import INDEX, MASK
from tasks.models import TEXTURE_ASSETS
from tasks.progress import current

RECIPES: dict[str, Callable[[EncoderConfig], RegressorTrainingConfig]] = {
    "laptop": lambda encoder: RegressorTrainingConfig(encoder=encoder, precision="bf16", ema_half_life=2000.0),
    "paper": lambda encoder: RegressorTrainingConfig(
        encoder=encoder, precision="bf16", render_size=224, learning_rate=3e-4
    ),
}
"""Encoder and recipe of the same name; ``paper`` wants a GPU."""


@task(name="train regressor", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def train_regressor(
    crops: Path, out: Path, texture: str, minutes: float, recipe: str, maps: Path | None, start: Path | None
) -> TrainingResult:
    """Train on the crops of a folder, or continue the run that `out` holds; arguments as of the flow.

    Raises ValueError for folders that lack what is asked of them or belong to another run, and
    data.assets.AssetError for a missing model.
    """
    files = {name: assets.locate(name) for name in ("morphable", TEXTURE_ASSETS[texture], "dlib-resnet")}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    models = Models(
        MorphableModel.load(files["morphable"].path).to(device),
        load_texture_model(files[TEXTURE_ASSETS[texture]].path).to(device),
        DlibResNet.load(files["dlib-resnet"].path).to(device),
    )
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    learnt = Crops(crops, TRAIN)
    config = RECIPES[recipe](encoder_config(models, recipe))
    behind = {
        "texture_sha256": files[TEXTURE_ASSETS[texture]].sha256,
        "morphable_sha256": files["morphable"].sha256,
        "identity_sha256": files["dlib-resnet"].sha256,
        **({"start_sha256": sha256_of(start)} if start else {}),
    }
    trainer = RegressorTrainer(
        config,
        learnt,
        Crops(crops, HELD_OUT),
        models,
        PRESETS["laptop" if recipe == "laptop" else "paper"].weights,
        _known_maps(maps, learnt) if maps else None,
        minutes,
        device,
        behind,
        load_regressor(start) if start else None,
    )
    provenance = {
        "crops": str(len(learnt)),
        **trainer.learns_from,
        "source": json.dumps(learnt.source, sort_keys=True),
        "minutes": str(minutes),
        "code_version": code_version(),
    }
    return train(
        trainer,
        out,
        provenance=provenance,
        on_step=lambda images, share: current().step("training", round(1000 * share), 1000),
    )


def encoder_config(models: Models, recipe: str) -> EncoderConfig:
    """The encoder of a recipe for these models."""
    network = models.network
    with torch.no_grad():
        side = network.input_size
        blank = torch.zeros(1, 3, side, side, device=models.morphable.mean.device)
        activations = network.features(blank).activations
    build = EncoderConfig.laptop if recipe == "laptop" else EncoderConfig.paper
    return build(
        n_identity=models.morphable.n_identity,
        n_expression=models.morphable.n_expression,
        n_texture=models.texture.latent_dim,
        feature_channels=tuple(a.shape[1] for a in activations),
        feature_sides=tuple(a.shape[-1] for a in activations),
        embedding_dim=network.embedding_dim,
    )


def _known_maps(folder: Path, crops: Crops) -> KnownMaps:
    """The maps of the folder's training photographs, by crop."""
    shards = MapShards(folder)
    index = pyarrow.parquet.read_table(folder / INDEX, columns=["unit_id", "file", "row"]).to_pandas()
    lengths = [len(np.load(file, mmap_mode="r")) for file in shards.files]
    starts = dict(zip((file.name for file in shards.files), np.cumsum([0, *lengths]), strict=False))
    known = index[index["file"].isin(starts)]
    at = dict(zip(known["unit_id"], known["file"].map(starts) + known["row"], strict=True))
    of_crop = np.array([at.get(unit, -1) for unit in crops.unit_ids], dtype=np.int64)
    if (of_crop < 0).all():
        raise ValueError(f"none of the crops' photographs has a map in {folder}: were both built from one folder?")
    return KnownMaps(shards, torch.from_numpy(np.load(folder / MASK)).float(), of_crop)
