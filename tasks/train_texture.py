"""UV maps -> a trained texture model."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from ganfit_core.texture import PCAConfig, TrainingConfig, VAETrainingConfig
from ganfit_core.texture.gan_trainer import GANTrainer
from ganfit_core.texture.maps import MapShards
from ganfit_core.texture.pca_training import train_pca
from ganfit_core.texture.vae_trainer import VAETrainer
from ganfit_core.training.loop import TrainingResult, train
from tasks.code import code_version
from tasks.complete_maps import SOURCE
from tasks.progress import current

# Texels outside the trusted face are smooth fill: they matter, but less than the face.
_FILL_WEIGHT = 0.3

RECIPES: dict[str, dict[str, Callable[[int], TrainingConfig | VAETrainingConfig | PCAConfig]]] = {
    "gan": {
        "laptop": lambda side: TrainingConfig.cpu_128(),
        "paper": lambda side: TrainingConfig.paper(side, "bf16" if torch.cuda.is_available() else "fp32"),
    },
    "vae": {"laptop": lambda side: VAETrainingConfig.cpu_128()},
    "pca": {"laptop": lambda side: PCAConfig()},
}
"""Model -> recipe -> the maps' texels a side -> configuration. ``laptop``: for 128 texels and one core; the GAN starts
warm, before an adversary at full size. ``paper``: progressive growing with WGAN-GP (Karras et al. 2018) at the maps'
side, in bfloat16 on a GPU, which it wants for days."""


@task(name="train texture", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def train_texture(maps: Path, out: Path, model: str, minutes: float, recipe: str) -> TrainingResult:
    """Train on the maps of a texture folder, or continue the run that `out` holds.

    ``model`` and ``recipe`` are names of RECIPES; ``minutes`` bounds a network's training and means nothing to the
    PCA. A run killed between two checkpoints loses what came after the last one, four minutes at most.

    Raises ValueError for a recipe that the model does not have, a folder without maps, or one of another run.
    """
    if recipe not in RECIPES[model]:
        raise ValueError(f"the model {model} has no recipe {recipe}, only {', '.join(RECIPES[model])}")
    shards = MapShards(maps)
    mask = _FILL_WEIGHT + (1 - _FILL_WEIGHT) * np.load(maps / "mask.npy")
    source = _source(maps)
    provenance = {
        "maps": str(len(shards)),
        "maps_sha256": shards.sha256(),
        "source": json.dumps(source, sort_keys=True),
        "uv_sha256": source["uv_sha256"],
        "code_version": code_version(),
    }
    config = RECIPES[model][recipe](shards.resolution)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))

    def listen(images: int, share: float) -> None:
        current().step("training", round(1000 * share), 1000)

    if isinstance(config, PCAConfig):
        return train_pca(config, shards, mask, out, provenance=provenance, on_step=listen)
    trainer = (
        GANTrainer(config, shards, mask, minutes, device)
        if isinstance(config, TrainingConfig)
        else VAETrainer(config, shards, mask, minutes, device)
    )
    return train(trainer, out, provenance={**provenance, "minutes": str(minutes)}, on_step=listen)


def _source(maps: Path) -> dict[str, Any]:
    """What the maps say of their making. Raises ValueError without the UV layout they belong to."""
    path = maps / SOURCE
    source: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if "uv_sha256" not in source:
        raise ValueError(f"{path} does not say which UV layout the maps have; finish `ganfit textures build` first")
    return source
