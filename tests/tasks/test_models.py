"""Which files a run loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import ganfit_core.regressor
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


def put(asset_id: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the lookup find this file, under a made-up hash."""
    locate = assets.locate
    found = Found(path, "here", "f" * 64)
    monkeypatch.setattr(assets, "locate", lambda name: found if name == asset_id else locate(name))


def put_pca(folder: Path, monkeypatch: pytest.MonkeyPatch, uv_sha256: str) -> None:
    """A small PCA, made for this UV layout, in the place of the shipped one."""
    model = PCATexture(PCAConfig(latent_dim=3, resolution=16))
    model.load_state_dict({"mean": torch.full((768,), 0.5), "basis": 0.01 * torch.randn(3, 768)})
    path = folder / "texture_pca.safetensors"
    model.save(path, {"uv_sha256": uv_sha256})
    put("texture-pca", path, monkeypatch)


class FakeRegressor(torch.nn.Module):
    """N(I) by name only."""

    def __init__(self, texture_kind: str, provenance: dict[str, str]) -> None:
        super().__init__()
        self.texture_kind, self.provenance = texture_kind, provenance


def put_regressor(monkeypatch: pytest.MonkeyPatch, **provenance: str) -> None:
    """A regressor of the GAN, trained with the shipped files but for what is said otherwise."""
    trained_with = {
        "texture_sha256": assets.locate("texture-generator").sha256,
        "morphable_sha256": assets.locate("morphable").sha256,
        "identity_sha256": assets.locate("dlib-resnet").sha256,
    }
    path = Path("regressor_gan.safetensors")
    regressors = {path: FakeRegressor("gan", trained_with | provenance)}
    monkeypatch.setattr(ganfit_core.regressor, "load_regressor", regressors.__getitem__)
    put("regressor-gan", path, monkeypatch)


def remove(asset_ids: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the lookup find nothing for these assets."""
    candidates = assets.lookup._candidates
    monkeypatch.setattr(assets.lookup, "_candidates", lambda asset: [] if asset.id in asset_ids else candidates(asset))


def test_the_texture_model_of_the_method_takes_the_place_of_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = MorphableModel.load(assets.find("morphable")).uv_sha256
    put_pca(tmp_path, monkeypatch, layout)
    loaded = models.load_models("laptop", "pcafit")
    assert loaded.dimensions.texture == 3
    assert loaded.sha256["texture-pca"] == "f" * 64
    assert "texture-generator" not in loaded.sha256
    assert {asset.id for asset in ASSETS.values() if asset.required} - {"texture-generator"} < set(loaded.sha256)


def test_a_texture_model_of_another_uv_layout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_pca(tmp_path, monkeypatch, "0" * 64)
    with pytest.raises(assets.AssetError, match=r"another UV layout.*ganfit textures train"):
        models.load_models("laptop", "pcafit")


def test_the_shipped_texture_model_belongs_to_the_shipped_shape_model() -> None:
    loaded = models.load_models("laptop", "ganfit")
    assert set(loaded.sha256) == {asset.id for asset in ASSETS.values() if asset.required}


@pytest.mark.parametrize(("preset", "method"), [("laptop", "flow"), ("desktop", "ganfit")])
def test_a_name_that_is_not_known_is_an_error(preset: str, method: str) -> None:
    with pytest.raises(KeyError):
        models.load_models(preset, method)


def test_a_number_of_iterations_takes_the_place_of_the_presets_and_nothing_else() -> None:
    preset, fewer = models.load_models("laptop", "ganfit"), models.load_models("laptop", "ganfit", 7)
    assert fewer.settings == {**preset.settings, "iterations": 7, "refinement_iterations": 7}
    reconstructor: Any = fewer.reconstructor
    assert reconstructor.fitter.preset.iterations == 7


@pytest.mark.parametrize("kind", ["vae", "pca"])
def test_a_missing_texture_model_is_told_with_the_way_to_get_it(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remove((f"texture-{kind}",), monkeypatch)
    with pytest.raises(assets.MissingAssetError, match=f"textures train --model {kind}"):
        models.load_models("laptop", f"{kind}fit")


@pytest.mark.parametrize("asset_id", ["morphable", "texture-generator", "regressor-gan"])
def test_a_file_of_the_users_own_that_is_no_model_is_told(
    asset_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ASSETS[asset_id].filename
    path.write_bytes(b"no weights")
    monkeypatch.setenv("GANFIT_ASSETS", str(tmp_path))
    with pytest.raises(assets.AssetError, match=path.name):
        models.load_models("laptop", "ganfit++")


@pytest.mark.parametrize("method", ["fast", "ganfit++"])
def test_a_regression_loads_the_regressor_and_names_its_file(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put_regressor(monkeypatch)
    loaded = models.load_models("laptop", method)
    assert loaded.sha256["regressor-gan"] == "f" * 64
    reconstructor: Any = loaded.reconstructor
    assert isinstance(reconstructor.regressor, FakeRegressor)
    assert reconstructor.method.name == method


@pytest.mark.parametrize(
    ("key", "asset_id"),
    [("texture_sha256", "texture-generator"), ("morphable_sha256", "morphable"), ("identity_sha256", "dlib-resnet")],
)
def test_a_regressor_that_was_trained_with_other_files_is_refused(
    key: str, asset_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_regressor(monkeypatch, **{key: "0" * 64})
    with pytest.raises(assets.AssetError, match=f"another {asset_id} than .*ganfit regressor train"):
        models.load_models("laptop", "fast")


def test_a_missing_regressor_is_told_with_the_methods_that_need_none(monkeypatch: pytest.MonkeyPatch) -> None:
    remove(("regressor-gan", "regressor-vae", "regressor-pca", "texture-vae"), monkeypatch)
    with pytest.raises(assets.MissingAssetError) as error:
        models.load_models("laptop", "ganfit++")
    message = str(error.value)
    for part in ("the method ganfit++", "regressor_gan.safetensors", "ganfit regressor train"):
        assert part in message
    assert message.endswith("Methods that can run here: ganfit, pcafit")
