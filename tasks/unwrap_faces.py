"""Photographs -> partial UV maps, shard by shard."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.collections import Unit
from ganfit_core.complete import diffuse, even_light, mirrored
from ganfit_core.fitting import as_tensors
from ganfit_core.landmark_fit import fit_landmarks
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.detect import CenterFace
from ganfit_core.perception.faces import find_faces
from ganfit_core.perception.landmarks import DlibLandmarks
from ganfit_core.perception.photo import PhotoError, read_photo
from ganfit_core.unwrap import Unwrapper

CROP_SIZE = 256
_FIT_BATCH = 64
# The first shard is unwrapped without a reference, to make one; see `reference_map`.
Reference = NDArray[np.float32]


class Shard(NamedTuple):
    """Partial maps of the faces found in a run of photographs."""

    unit_ids: list[str]
    textures: NDArray[np.uint8]
    """(N, R, R, 3)."""
    confidence: NDArray[np.uint8]
    """(N, R, R), 255 for certain."""
    quality: dict[str, NDArray[np.float32]]
    """Per map: landmark_error (share of the inter-ocular distance), yaw (degrees), seen (share of the map), and
    sharpness (variance of the crop's Laplacian)."""


@task(name="unwrap photos", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def unwrap_photos(units: list[Unit], resolution: int, reference: Reference | None, part: Path) -> Path:
    """Unwrap one shard into `part` (npz); a part that exists is left as it is, so a killed run resumes."""
    if not part.exists():
        shard = unwrap(units, resolution, reference)
        part.parent.mkdir(parents=True, exist_ok=True)
        temporary = part.with_suffix(".tmp")
        arrays: dict[str, NDArray[Any]] = {
            "unit_ids": np.array(shard.unit_ids, dtype=str),
            "textures": shard.textures,
            "confidence": shard.confidence,
        }
        arrays |= {f"quality_{name}": values for name, values in shard.quality.items()}
        with temporary.open("wb") as handle:
            np.savez(handle, allow_pickle=False, **arrays)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(part)
    return part


def part_name(units: list[Unit], resolution: int, reference: Reference | None) -> str:
    """Name of a shard's part file: another for other photographs, another resolution, reference or shape model."""
    content = json.dumps([[unit.unit_id for unit in units], resolution, assets.locate("morphable").sha256])
    digest = hashlib.sha256(content.encode() + (b"" if reference is None else reference.tobytes()))
    return f"{digest.hexdigest()[:20]}.npz"


def read_part(part: Path) -> Shard:
    """The shard in a part file."""
    with np.load(part) as arrays:
        quality = {n.removeprefix("quality_"): arrays[n] for n in arrays.files if n.startswith("quality_")}
        return Shard(arrays["unit_ids"].tolist(), arrays["textures"], arrays["confidence"], quality)


def unwrap(units: list[Unit], resolution: int, reference: Reference | None) -> Shard:
    """Find the largest face of every photograph, fit its landmarks and unwrap it; photos without a face are left."""
    model = MorphableModel.load(assets.find("morphable"))
    unwrapper = Unwrapper(model, resolution, CROP_SIZE)
    found: list[tuple[str, AlignedFace]] = list(_aligned(units))
    textures, confidences, errors, yaws = [], [], [], []
    for start in range(0, len(found), _FIT_BATCH):
        faces = [face for _, face in found[start : start + _FIT_BATCH]]
        photo, landmarks, shown = as_tensors(faces)
        fit = fit_landmarks(model, landmarks, CROP_SIZE)
        with torch.no_grad():
            vertices = model(fit.identity, fit.expression)
        texture, confidence, normals = unwrapper(photo, vertices, fit.camera, shown)
        if reference is not None:
            texture = even_light(texture, confidence, normals, torch.from_numpy(reference))
        textures.append((texture * 255).round().byte().permute(0, 2, 3, 1).numpy())
        confidences.append((confidence[:, 0] * 255).round().byte().numpy())
        errors.append(fit.error.numpy())
        view = fit.camera[:, :3] - fit.camera[:, 3:6]
        yaws.append(torch.rad2deg(torch.atan2(view[:, 0], view[:, 2])).numpy())
    sharpness = np.array([_sharpness(face.image) for _, face in found], dtype=np.float32)
    shape = (0, resolution, resolution)
    certain = np.concatenate(confidences) if confidences else np.zeros(shape, np.uint8)
    return Shard(
        [unit_id for unit_id, _ in found],
        np.concatenate(textures) if textures else np.zeros((*shape, 3), np.uint8),
        certain,
        {
            "landmark_error": np.concatenate(errors) if errors else np.zeros(0, np.float32),
            "yaw": np.concatenate(yaws) if yaws else np.zeros(0, np.float32),
            "seen": (certain > 127).mean(axis=(1, 2)).astype(np.float32),
            "sharpness": sharpness,
        },
    )


def reference_map(shard: Shard) -> Reference:
    """(3, R, R) the mean map of a shard, made symmetric: lamps left and right cancel, so its light is nearly even."""
    texture = torch.from_numpy(shard.textures).permute(0, 3, 1, 2).float() / 255
    weight = torch.from_numpy(shard.confidence)[:, None].float() / 255
    summed, total = (texture * weight).sum(dim=0, keepdim=True), weight.sum(dim=0, keepdim=True)
    summed, total = summed + mirrored(summed), total + mirrored(total)
    mean = summed / total.clamp_min(1e-6)
    return diffuse(mean, (total / (0.05 * len(texture))).clamp(0, 1))[0].numpy()


def _aligned(units: list[Unit]) -> Iterator[tuple[str, AlignedFace]]:
    detect = CenterFace(assets.find("centerface"))
    landmarks = DlibLandmarks(assets.find("dlib-landmarks-68"))
    for unit in units:
        try:
            rgb = read_photo(unit.path)
        except PhotoError:
            continue
        faces = find_faces(rgb, detect, landmarks)
        if faces:
            yield unit.unit_id, align_face(rgb, faces[0].landmarks, CROP_SIZE)


def _sharpness(image: NDArray[np.uint8]) -> float:
    grey = image.astype(np.float32).mean(axis=2)
    laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    return float(laplacian.var())
