"""UV maps -> a texture generator."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.steps import call
from tasks.train_texture import train_texture as train


@flow(name="train-texture")
def train_texture(maps: Path, out: Path, minutes: float = 40.0, recipe: str = "cpu") -> Path:
    """Train the generator for `minutes` of wall-clock time; called again, it continues where it stopped.

    Args:
        maps: folder that `build_textures` wrote.
        out: gets checkpoints, sample sheets, the loss log and generator.safetensors.
        minutes: over all continued runs together.
        recipe: a name of tasks.train_texture.RECIPES.
    """
    return call(train, maps, out, minutes, recipe).generator_path
