"""UV maps -> a texture model."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.steps import call
from tasks.train_texture import train_texture as train


@flow(name="train-texture")
def train_texture(maps: Path, out: Path, model: str = "gan", minutes: float = 40.0, recipe: str = "laptop") -> Path:
    """Train a texture model, a network for `minutes` of wall-clock time; called again, it continues where it stopped.

    Args:
        maps: folder that `build_textures` wrote.
        out: gets checkpoints, sample sheets, the losses' log and picture, and texture_{model}.safetensors.
        model: gan, vae or pca.
        minutes: over all continued runs together.
        recipe: one that tasks.train_texture.RECIPES has for the model.
    """
    return call(train, maps, out, model, minutes, recipe).path
