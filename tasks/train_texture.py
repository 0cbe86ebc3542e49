"""UV maps -> a trained texture generator."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.assets.hashing import sha256_of
from ganfit_core.morphable import MorphableModel
from ganfit_core.texture import NetworkConfig, TrainingConfig
from ganfit_core.texture.training import TrainingResult, train
from ganfit_core.unwrap import face_weight
from tasks.complete_maps import SOURCE
from tasks.progress import current
from tasks.run import code_version

# Texels outside the trusted face are smooth fill: they matter, but less than the face.
_FILL_WEIGHT = 0.3

RECIPES: dict[str, Callable[[int], TrainingConfig]] = {
    "cpu": lambda side: TrainingConfig.cpu_128(),
    "paper": lambda side: TrainingConfig(NetworkConfig(resolution=side)),
}
"""Texels a side -> configuration. ``cpu``: warm start, then an adversary at full size, for 128 texels. ``paper``:
progressive growing with WGAN-GP (Karras et al. 2018), which wants a GPU and days."""


@task(name="train texture", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def train_texture(maps: Path, out: Path, minutes: float, recipe: str) -> TrainingResult:
    """Train on maps.npy of a texture folder for `minutes`, or continue the run that `out` holds.

    ``recipe`` is a name of RECIPES. A run killed between two checkpoints loses what came after the last one, four
    minutes at most.
    """
    textures = np.load(maps / "maps.npy", mmap_mode="r")
    face = face_weight(MorphableModel.load(assets.find("morphable")), textures.shape[1]).numpy()
    mask = _FILL_WEIGHT + (1 - _FILL_WEIGHT) * face
    provenance = {
        "maps": str(len(textures)),
        "maps_sha256": sha256_of(maps / "maps.npy"),
        "minutes": str(minutes),
        "source": (maps / SOURCE).read_text() if (maps / SOURCE).exists() else "not recorded",
        "code_version": code_version(),
    }
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    return train(
        RECIPES[recipe](textures.shape[1]),
        textures,
        mask,
        out,
        minutes=minutes,
        device="cuda" if torch.cuda.is_available() else "cpu",
        provenance=provenance,
        on_step=lambda images, share: current().step("training", round(1000 * share), 1000),
    )
