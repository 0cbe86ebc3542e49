"""Renderings against clean photographs: the figures of the table `image_quality`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from data.files import replace_bytes
from evaluation.face_mask import landmark_hull
from evaluation.identity import cosine
from evaluation.image_quality import mae, psnr, ssim
from ganfit_core.identity.embedding import mirrored_embedding
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.perception.align import align_face, transform
from ganfit_core.perception.photo import PhotoError
from tasks import stored_faces
from tasks.code import sources_sha256
from tasks.networks import load_network, network_sha256
from tasks.run import one_line
from tasks.stored_faces import StoredFace, fitter_of, parameters_of, photograph, rendered

_MEASURES = ("evaluation.face_mask", "evaluation.identity", "evaluation.image_quality")
CHUNK = 50
"""Faces that are measured at a time, and whose figures are one file."""


class OtherFaceError(Exception):
    """What was reconstructed is not the face whose photograph is the reference."""


@dataclass(frozen=True)
class Comparison:
    """A photograph and a reconstruction that was made of it, or of a corrupted copy."""

    clean: StoredFace
    fitted: StoredFace


@dataclass(frozen=True)
class Chunk:
    """Comparisons of one method."""

    method: str
    """As `ganfit methods` names it, or the mean face."""
    comparisons: tuple[Comparison, ...]
    """All of whose faces are ok."""


def measure_chunk(chunk: Chunk, networks: Sequence[str], preset: str, folder: Path) -> list[dict[str, Any]]:
    """Columns of `image_quality` for each comparison, those known before from ``folder``; where a photograph cannot be
    read any more, status, stage and reason.

    Raises data.assets.AssetError for a network that is not there.
    """
    path = folder / f"{_key(chunk, networks, preset)}.json"
    if path.is_file():
        known: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        return known
    rows = []
    for comparison in chunk.comparisons:
        try:
            rows.append(_measure(chunk.method, comparison, networks, preset))
        except OtherFaceError as error:
            rows.append({"status": "no_face", "stage": "detect", "reason": str(error)})
        except (PhotoError, ValueError) as error:
            rows.append({"status": "failed", "stage": "measure", "reason": one_line(error)})
    if all(row.get("stage") != "measure" for row in rows):  # the rest is tried again
        replace_bytes(path, json.dumps(rows).encode())
    return rows


@torch.no_grad()
def _measure(method: str, comparison: Comparison, networks: Sequence[str], preset: str) -> dict[str, Any]:
    fitter = fitter_of(method, preset)
    size = fitter.renderer.size
    pixels, landmarks = photograph(comparison.clean)
    _, found = photograph(comparison.fitted)
    if not landmark_hull(landmarks, pixels.shape[:2])[_pixel(found.mean(axis=0), pixels)]:
        raise OtherFaceError("the face that was found is another one")
    # The clean photograph in the crop that the reconstruction was made in.
    reference = align_face(pixels, found, size)
    points = transform(landmarks, reference.matrix).astype(np.float32)
    mask = landmark_hull(points, (size, size))
    if reference.inside is not None:
        mask &= reference.inside
    view = rendered(fitter, parameters_of(method, [comparison.fitted], fitter))
    picture = view.images[0].permute(1, 2, 0).cpu().numpy()
    photo, weight = reference.image / np.float32(255), mask.astype(np.float64)
    error = relative_landmark_error(view.points.cpu(), torch.from_numpy(points)[None])
    return {
        "psnr_db": psnr(picture, photo, weight),
        "ssim": ssim(picture, photo, weight),
        "mae": mae(picture, photo, weight),
        "mask_pixels": int(mask.sum()),
        "landmark_error_pct": 100 * float(error),
        "cosines": {
            network: _cosine(network, (_tensor(pixels), landmarks), (view.images[0].cpu(), points))
            for network in networks
        },
    }


def _pixel(point: np.ndarray, pixels: np.ndarray) -> tuple[int, int]:
    """Row and column of the pixel that is nearest to a point in px."""
    height, width = pixels.shape[:2]
    return int(np.clip(point[1], 0, height - 1)), int(np.clip(point[0], 0, width - 1))


def _cosine(name: str, *faces: tuple[Tensor, np.ndarray]) -> float:
    """Of two pictures, RGB in [0, 1], with their landmarks in px."""
    network = load_network(name)
    aligned = [network.align(image[None], torch.from_numpy(points)[None].float()) for image, points in faces]
    one, other = mirrored_embedding(network, torch.cat(aligned)).cpu().numpy()
    return float(cosine(one[None], other[None])[0])


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


def _key(chunk: Chunk, networks: Sequence[str], preset: str) -> str:
    """Another one where anything is another that the figures depend on."""
    faces = [
        [
            stored_faces.photograph_key(comparison.clean),
            stored_faces.photograph_key(comparison.fitted),
            comparison.fitted.result_key,
        ]
        for comparison in chunk.comparisons
    ]
    modules = {type(load_network(network)).__module__ for network in networks}
    code = sources_sha256(__name__, stored_faces.__name__, *sorted(modules), *_MEASURES)
    models = stored_faces.models_key(chunk.method)
    hashes = {network: network_sha256(network) for network in networks}
    return hashlib.sha256(
        json.dumps([chunk.method, models, preset, faces, hashes, code], sort_keys=True).encode()
    ).hexdigest()[:24]
