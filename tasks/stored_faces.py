"""Rows of `reconstructions` -> the faces again: their photographs' crops, and their renderings."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from data import assets, manifest, parts, tables
from data.collections import Collection, FetchError, Unit, fetched
from ganfit_core.camera import project
from ganfit_core.fitting import Fitter
from ganfit_core.mean_face import mean_face
from ganfit_core.methods import METHODS, Reconstructor
from ganfit_core.parameters import Parameters
from ganfit_core.perception.align import AlignedFace, align_face, similarity, transform
from ganfit_core.perception.photo import PhotoError, read_scaled_photo
from ganfit_core.perception.template import TEMPLATE_68
from tasks.micc_recipes import MEAN_FACE
from tasks.models import load_models, needed_assets
from tasks.run import FaceChoice

MEAN_FACE_MODELS = "pcafit"
"""The latent 0 of this method's texture model is the mean of all textures."""
_COLUMNS = ("collection_key", "unit_id", "status", "stage", "reason", "content_sha256", "landmarks", "result_key")
_ORIGIN = ("assets", "config_sha256")
_AT_A_TIME = 1024
"""Rows that are Python's numbers for a moment, which take ten times the place."""


@dataclass(frozen=True, eq=False)
class StoredFace:
    """A row of `reconstructions`."""

    unit: Unit
    status: str
    stage: str
    reason: str | None
    content_sha256: str | None
    landmarks: NDArray[np.float32] | None
    """(68, 2) px of the upright photograph; None without a face."""
    result_key: str | None
    parameters: Mapping[str, NDArray[np.float32]] | None
    """By the names of ganfit_core.parameters.Parameters; None where the status is not ok."""
    assets: Mapping[str, str]
    """Id -> sha256."""
    config_sha256: str

    @property
    def unit_id(self) -> str:
        """Of the photograph."""
        return self.unit.unit_id

    @property
    def ok(self) -> bool:
        """Whether what is compared is there."""
        return self.status == "ok"

    def without_fit(self, method: str, preset: str, face: FaceChoice) -> StoredFace:
        """The same for what nothing is fitted for, but where the face is: ok wherever one was found.

        ``method`` is the mean face, or stands for the photographs; ``face`` says which one was looked for.
        """
        found = self.landmarks is not None
        names = needed_assets(METHODS[MEAN_FACE_MODELS]) if method == MEAN_FACE else ("centerface", "dlib-landmarks-68")
        return dataclasses.replace(
            self,
            status="ok" if found else self.status,
            reason=None if found else self.reason,
            result_key=None,
            parameters=None,
            assets={name: assets.locate(name).sha256 for name in names},
            config_sha256=hashlib.sha256(json.dumps([method, preset, face]).encode()).hexdigest(),
        )


def stored_faces(out: Path, method: str, collection: Collection) -> dict[str, StoredFace]:
    """unit_id -> the face of a collection's photograph, of those that a method has rows of below ``out``."""
    units = {unit.unit_id: unit for unit in collection.units}
    folder = tables.partition_folder(out, tables.RECONSTRUCTIONS, (method, METHODS[method].texture))
    names = [manifest.name_of(out, path) for path in tables.part_files(folder)]
    if not names:
        return {}
    rows = parts.columns_of(out, names, [*_COLUMNS, *_ORIGIN, *Parameters._fields])
    return {
        row["unit_id"]: _face(units[row["unit_id"]], row)
        for batch in rows.to_batches(max_chunksize=_AT_A_TIME)
        for row in batch.to_pylist()
        if row["collection_key"] == collection.key and row["unit_id"] in units
    }


def fitter_of(method: str, preset: str) -> Fitter:
    """What renders the faces of a method, or the mean face. Raises what tasks.models.load_models raises."""
    reconstructor = load_models(preset, MEAN_FACE_MODELS if method == MEAN_FACE else method).reconstructor
    assert isinstance(reconstructor, Reconstructor)
    return reconstructor.fitter


def models_key(method: str) -> list[str]:
    """What decides how `fitter_of` renders, besides the preset: hashes of the models."""
    recipe = METHODS[MEAN_FACE_MODELS if method == MEAN_FACE else method]
    return [assets.locate(name).sha256 for name in needed_assets(recipe)]


def photograph(face: StoredFace) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """(H, W, 3) pixels and (68, 2) landmarks in them.

    Raises ganfit_core.perception.photo.PhotoError, also for one that cannot be fetched any more.
    """
    assert face.landmarks is not None
    try:
        with fetched(face.unit) as local:
            pixels, scale = read_scaled_photo(local.path)
    except FetchError as error:
        raise PhotoError(error.reason) from error
    return pixels, face.landmarks * np.float32(scale)


def photograph_key(face: StoredFace) -> list[str | None]:
    """What decides the crop of a photograph."""
    assert face.landmarks is not None
    return [face.content_sha256, hashlib.sha256(face.landmarks.tobytes()).hexdigest()]


def crop(face: StoredFace, size: int) -> AlignedFace:
    """The photograph as it was fitted. Raises ganfit_core.perception.photo.PhotoError."""
    pixels, landmarks = photograph(face)
    return align_face(pixels, landmarks, size)


def crop_landmarks(face: StoredFace, size: int) -> NDArray[np.float32]:
    """(68, 2) px of that crop, for which the photograph is not needed."""
    assert face.landmarks is not None
    return transform(face.landmarks, similarity(face.landmarks, TEMPLATE_68 * size)).astype(np.float32)


def parameters_of(method: str, faces: Sequence[StoredFace], fitter: Fitter) -> Parameters:
    """The parameters of faces that are ok; those of the mean face come from the photographs.

    Raises ganfit_core.perception.photo.PhotoError.
    """
    if method == MEAN_FACE:
        return mean_face(fitter, fitter.prepare([crop(face, fitter.renderer.size) for face in faces]))
    rows = [face.parameters for face in faces if face.parameters is not None]
    return Parameters(
        *(torch.from_numpy(np.stack([row[name] for row in rows])).to(fitter.device) for name in Parameters._fields)
    )


class View(NamedTuple):
    """Renderings on black."""

    images: Float[Tensor, "b 3 s s"]
    """RGB in [0, 1]."""
    points: Float[Tensor, "b 68 2"]
    """The model's landmarks, px."""


@torch.no_grad()
def rendered(fitter: Fitter, parameters: Parameters) -> View:
    """What the energy compares with the photograph's crop."""
    formed = fitter.energy.form(parameters)
    points = project(fitter.model.landmarks(formed.vertices), parameters.camera, fitter.renderer.size)
    return View(formed.rendering.image.clamp(0, 1), points[..., :2])


def _face(unit: Unit, row: Mapping[str, Any]) -> StoredFace:
    landmarks = row["landmarks"]
    vectors = {name: np.asarray(row[name], np.float32) for name in Parameters._fields if row[name] is not None}
    return StoredFace(
        unit=unit,
        status=row["status"],
        stage=row["stage"],
        reason=row["reason"],
        content_sha256=row["content_sha256"],
        landmarks=None if landmarks is None else np.asarray(landmarks, np.float32).reshape(68, 2),
        result_key=row["result_key"],
        parameters=vectors if row["status"] == "ok" else None,
        assets=dict(row["assets"]),
        config_sha256=row["config_sha256"],
    )
