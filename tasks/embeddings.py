"""Photographs and renderings -> what face recognition networks say of them; what is known is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from data.files import replace
from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.identity.embedding import mirrored_embedding
from ganfit_core.perception.photo import PhotoError
from ganfit_core.reference_view import reference_view
from tasks import stored_faces
from tasks.code import sources_sha256
from tasks.micc_recipes import MEAN_FACE
from tasks.networks import load_network, network_sha256
from tasks.stored_faces import StoredFace, fitter_of, parameters_of, photograph, rendered

Kind = Literal["photograph", "rendering", "reference view"]
"""What is embedded of a face: the photograph, the rendering of its reconstruction in its own pose and light, or in
everybody's (ganfit_core.reference_view)."""

CHUNK = 128
"""Faces that are embedded at a time, and whose embeddings are one file."""
_BATCH = 32


@dataclass(frozen=True)
class Chunk:
    """Faces that are embedded together."""

    method: str
    """As `ganfit methods` names it, or the mean face; of no account for photographs."""
    kind: Kind
    faces: tuple[StoredFace, ...]
    """All ok."""


def chunks(method: str, kind: Kind, faces: Sequence[StoredFace]) -> list[Chunk]:
    """The faces in the chunks whose embeddings are kept together."""
    return [Chunk(method, kind, tuple(faces[start : start + CHUNK])) for start in range(0, len(faces), CHUNK)]


def embed_chunk(chunk: Chunk, networks: Sequence[str], preset: str, folder: Path) -> dict[str, NDArray[np.float32]]:
    """Network -> (n, D) embeddings of unit norm, those made before from ``folder``; NaN where a photograph that is
    needed cannot be read any more.

    Raises data.assets.AssetError for a network that is not there.
    """
    paths = {network: folder / network / f"{_key(chunk, network, preset)}.npy" for network in networks}
    found = {network: np.load(path) for network, path in paths.items() if path.is_file()}
    missing = {network: load_network(network) for network in networks if network not in found}
    if missing:
        for network, embedded in _embed(chunk, missing, preset).items():
            if np.isfinite(embedded).all():  # the rest is tried again
                paths[network].parent.mkdir(parents=True, exist_ok=True)
                replace(paths[network], lambda file, embedded=embedded: np.save(file, embedded))  # type: ignore[misc]
            found[network] = embedded
    return found


def _embed(chunk: Chunk, networks: Mapping[str, IdentityNetwork], preset: str) -> dict[str, NDArray[np.float32]]:
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in networks}
    for start in range(0, len(chunk.faces), _BATCH):
        pictures = list(_pictures(chunk, chunk.faces[start : start + _BATCH], preset))
        shown = [place for place, picture in enumerate(pictures) if picture is not None]
        for name, network in networks.items():
            embedded = np.full((len(pictures), network.embedding_dim), np.nan, np.float32)
            if shown:
                # Photographs differ in size, their crops do not.
                crops = [network.align(image[None], points[None]) for image, points in filter(None, pictures)]
                embedded[shown] = mirrored_embedding(network, torch.cat(crops)).cpu().numpy()
            parts[name].append(embedded)
    return {name: np.concatenate(some) for name, some in parts.items()}


def _pictures(chunk: Chunk, faces: Sequence[StoredFace], preset: str) -> Iterator[tuple[Tensor, Tensor] | None]:
    """Each face's picture, RGB in [0, 1], and its landmarks in px; None for want of the photograph."""
    try:
        yield from _photographs(faces) if chunk.kind == "photograph" else _renderings(chunk, faces, preset)
    except PhotoError:
        if len(faces) == 1:
            yield None
            return
        for face in faces:
            yield from _pictures(chunk, [face], preset)


def _photographs(faces: Sequence[StoredFace]) -> list[tuple[Tensor, Tensor]]:
    pictures = []
    for face in faces:
        pixels, landmarks = photograph(face)
        pictures.append((torch.from_numpy(pixels).permute(2, 0, 1) / 255, torch.from_numpy(landmarks)))
    return pictures


def _renderings(chunk: Chunk, faces: Sequence[StoredFace], preset: str) -> list[tuple[Tensor, Tensor]]:
    """With the landmarks of the photograph that they are compared with, or the model's where there is none."""
    fitter = fitter_of(chunk.method, preset)
    parameters = parameters_of(chunk.method, faces, fitter)
    if chunk.kind == "reference view":
        view = rendered(fitter, reference_view(parameters))
        return list(zip(view.images.cpu(), view.points.cpu(), strict=True))
    size = fitter.renderer.size
    points = [torch.from_numpy(stored_faces.crop_landmarks(face, size)) for face in faces]
    return list(zip(rendered(fitter, parameters).images.cpu(), points, strict=True))


def _key(chunk: Chunk, network: str, preset: str) -> str:
    """Another one where anything is another that the embeddings depend on."""
    from_photographs = chunk.kind == "photograph" or chunk.method == MEAN_FACE
    faces = [stored_faces.photograph_key(face) if from_photographs else face.result_key for face in chunk.faces]
    code = sources_sha256(__name__, stored_faces.__name__, type(load_network(network)).__module__)
    recipe = [] if chunk.kind == "photograph" else [chunk.method, preset, stored_faces.models_key(chunk.method)]
    depends_on = [recipe, chunk.kind, faces, network_sha256(network), code]
    return hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:24]
