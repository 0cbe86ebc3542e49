"""Aligned crops -> a regressor."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.steps import call
from tasks.train_regressor import train_regressor as train


@flow(name="train-regressor")
def train_regressor(
    crops: Path,
    out: Path,
    texture: str = "gan",
    minutes: float = 60.0,
    recipe: str = "laptop",
    maps: Path | None = None,
    start: Path | None = None,
) -> Path:
    """Train a regressor for `minutes` of wall-clock time; called again, it continues where it stopped.

    Args:
        crops: folder that `build_crops` wrote.
        out: gets checkpoints, held-out photographs under their renderings, the losses' log and picture, and
            regressor_{texture}.safetensors.
        texture: gan, vae or pca, of which the regressor predicts the latents.
        minutes: over all continued runs together.
        recipe: one of tasks.train_regressor.RECIPES.
        maps: folder that `build_textures` wrote: textures are learnt from its maps before the renderings are of use.
        start: weights to begin with, those of another texture model's regressor, say.
    """
    return call(train, crops, out, texture, minutes, recipe, maps, start).path
