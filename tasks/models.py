"""The models of a preset and a method, loaded once per process from the asset registry."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import torch

from data import assets
from data.assets import Found
from data.schemas import Dimensions
from ganfit_core.mesh import Mesh
from ganfit_core.methods import METHODS, Method, Reconstructor

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult
    from ganfit_core.perception.align import AlignedFace
    from ganfit_core.perception.faces import Detector, LandmarkPredictor
    from ganfit_core.regressor import Regressor
    from tasks.run import Run

M = TypeVar("M")


class FaceReconstructor(Protocol):
    """What a run asks of ganfit_core.methods.Reconstructor."""

    def fit(
        self,
        faces: list[AlignedFace],
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
        people: Sequence[int] | None = None,
    ) -> list[FitResult]:
        """One result per face; those of one person share identity and texture. Raises FitError."""


@dataclass(frozen=True)
class Models:
    """Everything a fit needs."""

    detect: Detector
    """RGB photograph -> faces, the largest first."""
    landmarks: LandmarkPredictor
    """RGB photograph, box and the detector's five points -> (68, 2) pixels."""
    reconstructor: FaceReconstructor
    topology: Mesh
    """The mean head; its triangles and UVs are those of every result."""
    dimensions: Dimensions
    crop_size: int
    """Side of the aligned crop, px: that of the rendering."""
    settings: Mapping[str, Any]
    """The preset's values by name, with the run's own number of iterations."""
    sha256: Mapping[str, str]
    """Asset id -> hash of the file in use."""
    device: str


TEXTURE_ASSETS = {"gan": "texture-generator", "vae": "texture-vae", "pca": "texture-pca"}
"""Texture model -> asset."""
REGRESSOR_ASSETS = {"gan": "regressor-gan", "vae": "regressor-vae", "pca": "regressor-pca"}
"""Texture model -> asset of the regressor that was trained with it."""


def models_of(run: Run) -> Models:
    """The models that a run works with; errors as those of `load_models`."""
    return load_models(run.preset, run.method.name, run.iterations, run.without)


def missing_assets(method: Method) -> list[str]:
    """Ids of the assets that the method needs and that are not there, or not as expected."""
    missing = []
    for asset_id in needed_assets(method):
        try:
            assets.locate(asset_id)
        except assets.AssetError:
            missing.append(asset_id)
    return missing


@functools.cache
def load_models(preset: str, method: str, iterations: int | None = None, without: tuple[str, ...] = ()) -> Models:
    """Load the models of a preset ("laptop" or "paper") and a method (of ganfit_core.methods.METHODS).

    `iterations` takes the place of the preset's most steps of stage 2, which minimises the energy `without` some terms.

    Raises data.assets.AssetError for a missing or damaged asset and for files that do not belong together, KeyError for
    an unknown name.
    """
    from ganfit_core.fitting import PRESETS, Fitter
    from ganfit_core.identity.dlib_resnet import DlibResNet
    from ganfit_core.morphable import MorphableModel
    from ganfit_core.perception.detect import CenterFace
    from ganfit_core.perception.landmarks import DlibLandmarks
    from ganfit_core.renderer import Renderer
    from ganfit_core.texture.model import load_texture_model

    if without:
        return _without(load_models(preset, method, iterations), without)
    recipe, settings = METHODS[method], PRESETS[preset]
    if iterations is not None:
        settings = settings.limited(iterations)
    found = _locate(recipe)
    paths = {asset_id: file.path for asset_id, file in found.items()}
    texture_asset = TEXTURE_ASSETS[recipe.texture]
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_flush_denormal(True)  # without it an iteration on the CPU takes fifteen times as long
    model = _read(MorphableModel.load, paths["morphable"]).to(device).eval()
    texture_model = _read(load_texture_model, paths[texture_asset]).to(device)
    if texture_model.provenance.get("uv_sha256") != model.uv_sha256:
        raise assets.AssetError(
            f"{paths[texture_asset]} was trained for another UV layout than that of {paths['morphable']}: its "
            "textures would not lie on the face. Use files that belong together, or run `ganfit textures build` "
            "and `ganfit textures train` anew"
        )
    regressor = _load_regressor(recipe, found).to(device) if recipe.start == "regression" else None
    network = DlibResNet.load(paths["dlib-resnet"]).to(device).eval()
    renderer = Renderer(model.faces, model.uvs, model.uv_faces, settings.render_size).to(device)
    fitter = Fitter(model, texture_model, renderer, network, settings)
    return Models(
        detect=CenterFace(paths["centerface"]),
        landmarks=DlibLandmarks(paths["dlib-landmarks-68"]),
        reconstructor=Reconstructor(recipe, fitter, regressor),
        topology=Mesh(
            vertices=model.mean.cpu().numpy(),
            faces=model.faces.cpu().numpy(),
            uvs=model.uvs.cpu().numpy(),
            uv_faces=model.uv_faces.cpu().numpy(),
        ),
        dimensions=Dimensions(model.n_identity, model.n_expression, texture_model.latent_dim),
        crop_size=settings.render_size,
        settings=dataclasses.asdict(settings),
        sha256={asset_id: file.sha256 for asset_id, file in found.items()},
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    )


def _without(models: Models, terms: tuple[str, ...]) -> Models:
    """The same models, fitted without some terms of the energy."""
    whole = models.reconstructor
    assert isinstance(whole, Reconstructor)
    fitter = whole.fitter.without(*terms)
    reconstructor = Reconstructor(whole.method, fitter, whole.regressor)
    return dataclasses.replace(models, reconstructor=reconstructor, settings=dataclasses.asdict(fitter.preset))


def needed_assets(method: Method) -> list[str]:
    """Ids of the assets that the method needs."""
    always = {asset.id for asset in assets.ASSETS.values() if asset.required} - {*TEXTURE_ASSETS.values()}
    regressors = [REGRESSOR_ASSETS[method.texture]] if method.start == "regression" else []
    return [*sorted(always), TEXTURE_ASSETS[method.texture], *regressors]


def _locate(method: Method) -> dict[str, Found]:
    try:
        return {asset_id: assets.locate(asset_id) for asset_id in needed_assets(method)}
    except assets.MissingAssetError as error:
        able = [other.name for other in METHODS.values() if not missing_assets(other)]
        raise assets.MissingAssetError(
            f"the method {method.name} cannot run. {error}\nMethods that can run here: {', '.join(able) or 'none'}"
        ) from error


def _read(load: Callable[[Path], M], path: Path) -> M:
    """The user's own file has no hash to be known by: what it is shows once it is read."""
    try:
        return load(path)
    except ValueError as error:
        raise assets.AssetError(str(error)) from error


def _load_regressor(method: Method, found: Mapping[str, Found]) -> Regressor:
    from ganfit_core.regressor import load_regressor

    path = found[REGRESSOR_ASSETS[method.texture]].path
    regressor = _read(load_regressor, path)
    trained_with = {
        "texture_sha256": TEXTURE_ASSETS[method.texture],
        "morphable_sha256": "morphable",
        "identity_sha256": "dlib-resnet",
    }
    for key, asset_id in trained_with.items():
        if regressor.provenance.get(key) != found[asset_id].sha256:
            raise assets.AssetError(
                f"{path} was trained with another {asset_id} than {found[asset_id].path}: its answers would mean "
                "something else there. Use files that belong together, or run `ganfit regressor train` anew"
            )
    return regressor
