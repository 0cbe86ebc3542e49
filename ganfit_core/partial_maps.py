"""Partial UV maps of photographed faces, with what tells a good map from a bad one."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float32, Int8, UInt8
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ganfit_core.fitting import as_tensors
from ganfit_core.landmark_fit import fit_landmarks
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception.align import AlignedFace
from ganfit_core.unwrap import Unwrapper

CROP_SIZE = 256
"""Side of the aligned photograph that is unwrapped, px."""
NORMALS_SIDE = 64
"""Normals vary slowly: they are kept at this side."""
_BATCH = 32


class PartialMaps(NamedTuple):
    """UV maps of N faces, as far as each photograph shows them, in the photograph's light."""

    textures: UInt8[np.ndarray, "n r r 3"]
    confidence: UInt8[np.ndarray, "n r r"]
    """255 where the photograph shows the texel frontally, 0 where it does not show it."""
    normals: Int8[np.ndarray, "n s s 3"]
    """Unit surface normals in the model frame, times 127."""
    quality: dict[str, Float32[np.ndarray, " n"]]
    """Per map: landmark_error (share of the inter-ocular distance), yaw and pitch (degrees) and sharpness (variance of
    the Laplacian within the face, grey values 0 to 255)."""


def partial_maps(faces: list[AlignedFace], model: MorphableModel, resolution: int) -> PartialMaps:
    """Unwrap aligned photographs (CROP_SIZE px) with the shape that their landmarks alone give."""
    unwrapper = Unwrapper(model, resolution, CROP_SIZE)
    empty = {
        "textures": np.zeros((0, resolution, resolution, 3), np.uint8),
        "confidence": np.zeros((0, resolution, resolution), np.uint8),
        "normals": np.zeros((0, NORMALS_SIDE, NORMALS_SIDE, 3), np.int8),
        **dict.fromkeys(("landmark_error", "yaw", "pitch", "sharpness"), np.zeros(0, np.float32)),
    }
    batches = [_unwrap(faces[start : start + _BATCH], model, unwrapper) for start in range(0, len(faces), _BATCH)]
    joined = {name: np.concatenate([none, *(batch[name] for batch in batches)]) for name, none in empty.items()}
    return PartialMaps(joined.pop("textures"), joined.pop("confidence"), joined.pop("normals"), joined)


def _unwrap(faces: list[AlignedFace], model: MorphableModel, unwrapper: Unwrapper) -> dict[str, NDArray[Any]]:
    photo, landmarks, shown = as_tensors(faces)
    fit = fit_landmarks(model, landmarks, CROP_SIZE)
    with torch.no_grad():
        texture, confidence, normals = unwrapper(photo, model(fit.identity, fit.expression), fit.camera, shown)
    view = functional.normalize(fit.camera[:, :3] - fit.camera[:, 3:6], dim=1)
    return {
        "textures": _bytes(texture).permute(0, 2, 3, 1).numpy(),
        "confidence": _bytes(confidence)[:, 0].numpy(),
        "normals": (functional.adaptive_avg_pool2d(normals, NORMALS_SIDE) * 127)
        .round()
        .to(torch.int8)
        .permute(0, 2, 3, 1)
        .numpy(),
        "landmark_error": fit.error.numpy(),
        "yaw": torch.rad2deg(torch.atan2(view[:, 0], view[:, 2])).numpy(),
        "pitch": torch.rad2deg(torch.asin(view[:, 1])).numpy(),
        "sharpness": np.array([_sharpness(face) for face in faces], np.float32),
    }


def _bytes(values: Tensor) -> Tensor:
    return (values * 255).round().byte()


def _sharpness(face: AlignedFace) -> float:
    (left, top), (right, bottom) = face.landmarks.min(axis=0).astype(int), face.landmarks.max(axis=0).astype(int) + 1
    grey = face.image[max(top, 0) : bottom, max(left, 0) : right].astype(np.float32).mean(axis=2)
    if min(grey.shape) < 3:
        return 0.0
    laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(laplacian.var())
