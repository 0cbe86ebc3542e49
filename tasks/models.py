"""The models of a preset, loaded once per process from the asset registry."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch

from data import assets
from data.schemas import Dimensions
from ganfit_core.mesh import Mesh

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult
    from ganfit_core.perception.align import AlignedFace
    from ganfit_core.perception.faces import Detector, LandmarkPredictor


class FaceFitter(Protocol):
    """What a run asks of ganfit_core.fitting.Fitter."""

    def fit(
        self,
        faces: list[AlignedFace],
        seed: int,
        on_iteration: Callable[[int, int], None] | None = None,
    ) -> list[FitResult]:
        """One result per face; raises FitError."""


@dataclass(frozen=True)
class Models:
    """Everything a fit needs."""

    detect: Detector
    """RGB photograph -> faces, the largest first."""
    landmarks: LandmarkPredictor
    """RGB photograph, box and the detector's five points -> (68, 2) pixels."""
    fitter: FaceFitter
    topology: Mesh
    """The mean head; its triangles and UVs are those of every result."""
    dimensions: Dimensions
    crop_size: int
    """Side of the aligned crop, px: that of the rendering."""
    settings: Mapping[str, Any]
    """The preset's values by name."""
    sha256: Mapping[str, str]
    """Asset id -> hash of the file in use."""
    device: str


TEXTURE_ASSETS = {"gan": "texture-generator", "vae": "texture-vae", "pca": "texture-pca"}
"""Texture model -> asset."""


@functools.cache
def load_models(preset: str, texture: str) -> Models:
    """Load the models of a preset ("laptop" or "paper") with a texture model ("gan", "vae" or "pca").

    Raises data.assets.AssetError for a missing or damaged asset and for a texture model of another UV layout, KeyError
    for an unknown name.
    """
    from ganfit_core.fitting import PRESETS, Fitter
    from ganfit_core.identity.dlib_resnet import DlibResNet
    from ganfit_core.morphable import MorphableModel
    from ganfit_core.perception.detect import CenterFace
    from ganfit_core.perception.landmarks import DlibLandmarks
    from ganfit_core.renderer import Renderer
    from ganfit_core.texture.model import load_texture_model

    settings = PRESETS[preset]
    texture_asset = TEXTURE_ASSETS[texture]
    needed = {asset.id for asset in assets.ASSETS.values() if asset.required} - {*TEXTURE_ASSETS.values()}
    found = {asset_id: assets.locate(asset_id) for asset_id in (*needed, texture_asset)}
    paths = {asset_id: file.path for asset_id, file in found.items()}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_flush_denormal(True)  # without it an iteration on the CPU takes fifteen times as long
    model = MorphableModel.load(paths["morphable"]).to(device).eval()
    texture_model = load_texture_model(paths[texture_asset]).to(device)
    if texture_model.provenance.get("uv_sha256") != model.uv_sha256:
        raise assets.AssetError(
            f"{paths[texture_asset]} was trained for another UV layout than that of {paths['morphable']}: its "
            "textures would not lie on the face. Use files that belong together, or run `ganfit textures build` "
            "and `ganfit textures train` anew"
        )
    network = DlibResNet.load(paths["dlib-resnet"]).to(device).eval()
    renderer = Renderer(model.faces, model.uvs, model.uv_faces, settings.render_size).to(device)
    return Models(
        detect=CenterFace(paths["centerface"]),
        landmarks=DlibLandmarks(paths["dlib-landmarks-68"]),
        fitter=Fitter(model, texture_model, renderer, network, settings),
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
