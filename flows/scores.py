"""What `ganfit textures evaluate` compares by default."""

from __future__ import annotations

from pathlib import Path

from data.assets import MissingAssetError, find
from tasks.models import TEXTURE_ASSETS


def shipped_models() -> dict[str, Path]:
    """The texture models at hand, by kind. Raises data.assets.AssetIntegrityError for a damaged one."""
    models = {}
    for kind, asset in TEXTURE_ASSETS.items():
        try:
            models[kind] = find(asset)
        except MissingAssetError:
            continue
    return models
