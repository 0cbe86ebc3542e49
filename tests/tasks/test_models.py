"""Which files a run loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from data import assets
from data.assets import Found
from data.assets.registry import ASSETS
from ganfit_core.morphable import MorphableModel
from ganfit_core.texture import PCAConfig, PCATexture
from tasks import models


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No models of another test."""
    models.load_models.cache_clear()


def put_pca(folder: Path, monkeypatch: pytest.MonkeyPatch, uv_sha256: str) -> None:
    """A small PCA, made for this UV layout, in the place of the shipped one."""
    model = PCATexture(PCAConfig(latent_dim=3, resolution=16))
    model.load_state_dict({"mean": torch.full((768,), 0.5), "basis": 0.01 * torch.randn(3, 768)})
    path = folder / "texture_pca.safetensors"
    model.save(path, {"uv_sha256": uv_sha256})
    locate = assets.locate
    monkeypatch.setattr(
        assets, "locate", lambda name: Found(path, "here", "f" * 64) if name == "texture-pca" else locate(name)
    )


def test_the_texture_model_asked_for_takes_the_place_of_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = MorphableModel.load(assets.find("morphable")).uv_sha256
    put_pca(tmp_path, monkeypatch, layout)
    loaded = models.load_models("laptop", "pca")
    assert loaded.dimensions.texture == 3
    assert loaded.sha256["texture-pca"] == "f" * 64
    assert "texture-generator" not in loaded.sha256
    assert {asset.id for asset in ASSETS.values() if asset.required} - {"texture-generator"} < set(loaded.sha256)


def test_a_texture_model_of_another_uv_layout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_pca(tmp_path, monkeypatch, "0" * 64)
    with pytest.raises(assets.AssetError, match=r"another UV layout.*ganfit textures train"):
        models.load_models("laptop", "pca")


def test_the_shipped_texture_model_belongs_to_the_shipped_shape_model() -> None:
    loaded = models.load_models("laptop", "gan")
    assert set(loaded.sha256) == {asset.id for asset in ASSETS.values() if asset.required}
    with pytest.raises(KeyError):
        models.load_models("laptop", "flow")


@pytest.mark.parametrize("kind", ["vae", "pca"])
def test_a_missing_texture_model_is_told_with_the_way_to_get_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = assets.lookup._candidates
    monkeypatch.setattr(
        assets.lookup, "_candidates", lambda asset: [] if asset.id == f"texture-{kind}" else candidates(asset)
    )
    with pytest.raises(assets.MissingAssetError, match=f"textures train --model {kind}"):
        models.load_models("laptop", kind)
