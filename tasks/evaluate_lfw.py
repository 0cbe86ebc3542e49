"""The steps of the evaluation on LFW: photographs, embeddings, cosines."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.collections import Unit, discover, write_manifest
from data.lfw import Lfw, Pair, open_lfw, person_of, photographs_of, read_pairs
from evaluation.identity import cosine
from evaluation.likeness_protocols import PHOTO_PAIRS, PHOTO_RENDERING, RENDERING_PAIRS
from tasks.embeddings import Kind, chunks, embed_chunk
from tasks.likeness_names import PHOTOGRAPHS
from tasks.micc_recipes import MEAN_FACE
from tasks.processes import in_processes
from tasks.progress import current
from tasks.run import FaceChoice
from tasks.stored_faces import StoredFace, stored_faces

FACE: FaceChoice = "central"
"""Of a photograph's faces, the one that LFW names."""

Embeddings = Mapping[str, Mapping[str, NDArray[np.float32]]]
"""Network -> photograph -> its embedding."""


@dataclass(frozen=True)
class Benchmark:
    """What is compared."""

    dataset: Lfw
    folds: tuple[int, ...]
    photographs: Mapping[str, int]
    """Path below the data set's folder -> fold, which people belong to; in the order of data.lfw.photographs_of."""
    pairs: tuple[Pair, ...]
    """Both of whose photographs are among these."""


@dataclass(frozen=True)
class Side:
    """A method's faces, or those that stand beside them."""

    method: str
    """As `ganfit methods` names it, the mean face, or PHOTOGRAPHS."""
    faces: Mapping[str, StoredFace]
    """Photograph -> row."""


@task(name="open LFW", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def open_benchmark(root: Path, folds: Sequence[int], photographs: int | None) -> Benchmark:
    """The photographs and pairs of some folds, or the first so many photographs and their pairs.

    Raises data.lfw.LfwError.
    """
    dataset = open_lfw(root)
    pairs = read_pairs(dataset.pairs, folds)
    fold_of = {photo: pair.fold for pair in pairs for photo in (pair.first, pair.second)}
    chosen = {photo: fold_of[photo] for photo in photographs_of(pairs)[:photographs]}
    whole = tuple(pair for pair in pairs if pair.first in chosen and pair.second in chosen)
    return Benchmark(dataset, tuple(folds), chosen, whole)


@task(name="list photographs", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def list_photographs(benchmark: Benchmark, out: Path, method: str) -> Path:
    """Write the list of what a method reconstructs, and return its path."""
    path = list_of(out, method)
    write_manifest(path, _units(benchmark))
    return path


@task(name="list held-out photographs", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def list_held_out(benchmark: Benchmark, out: Path) -> Path:
    """Write the list of photographs that other evaluations take, in a folder whose name tells what they are."""
    path = out.absolute() / "lfw-held-out" / "photographs.csv"
    write_manifest(path, _units(benchmark))
    return path


def list_of(out: Path, method: str) -> Path:
    """Where the list of a method's photographs is kept. One per method: each may have been asked for another number."""
    return out.absolute() / "photographs" / f"{method}.csv"


@task(name="collect faces", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def collect_sides(
    benchmark: Benchmark, methods: Sequence[str], fitted: Sequence[str], preset: str, out: Path
) -> list[Side]:
    """The photographs, then each method. Where the faces of the photographs and of the mean face are, the rows of the
    first of those that were ``fitted`` and know it tell.
    """
    faces = {}
    for method in fitted:
        rows = stored_faces(out.absolute(), method, discover([list_of(out, method)]))
        faces[method] = {photo: rows[photo] for photo in benchmark.photographs}
    known = {photo: _known([faces[method][photo] for method in fitted]) for photo in benchmark.photographs}

    def side(method: str) -> Side:
        if method in faces:
            return Side(method, faces[method])
        return Side(method, {photo: face.without_fit(method, preset, FACE) for photo, face in known.items()})

    return [side(method) for method in (PHOTOGRAPHS, *methods)]


@task(name="embed", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def embed(side: Side, kind: Kind, networks: Sequence[str], preset: str, out: Path, processes: int) -> Embeddings:
    """What the networks say of the faces that are there; what was known before is read."""
    found: dict[str, dict[str, NDArray[np.float32]]] = {network: {} for network in networks}
    parts = chunks(side.method, kind, [face for face in side.faces.values() if face.ok])
    work = functools.partial(embed_chunk, networks=networks, preset=preset, folder=out / "embeddings")
    for done, (chunk, embedded) in enumerate(in_processes(work, parts, processes), start=1):
        for network in networks:
            found[network] |= zip((face.unit_id for face in chunk.faces), embedded[network], strict=True)
        current().step(f"embedding: {side.method}, {kind}", done, len(parts))
    return found


def compare_renderings(
    benchmark: Benchmark, side: Side, photographs: Embeddings, renderings: Embeddings
) -> list[dict[str, Any]]:
    """Rows of `lfw_photos`, as far as photographs and embeddings decide them: one per network and photograph."""
    rows = []
    for network, known in renderings.items():
        for photo, face in side.faces.items():
            row = {
                "network": network,
                "method": side.method,
                "protocol": PHOTO_RENDERING.id,
                "protocol_version": PHOTO_RENDERING.version,
                "unit_id": photo,
                "subject": person_of(photo),
                "fold": benchmark.photographs[photo],
                "result_key": None if side.method == MEAN_FACE else face.result_key,
            }
            rows.append(row | _compared([face], photographs[network].get(photo), known.get(photo)))
    return rows


def compare_pairs(benchmark: Benchmark, side: Side, embedded: Embeddings) -> list[dict[str, Any]]:
    """Rows of `lfw_pairs`, as far as pairs and embeddings decide them: one per network and pair."""
    protocol = PHOTO_PAIRS if side.method == PHOTOGRAPHS else RENDERING_PAIRS
    rows = []
    for network, known in embedded.items():
        for pair in benchmark.pairs:
            row = {
                "network": network,
                "method": side.method,
                "protocol": protocol.id,
                "protocol_version": protocol.version,
                **pair._asdict(),
            }
            faces = [side.faces[photo] for photo in (pair.first, pair.second)]
            rows.append(row | _compared(faces, known.get(pair.first), known.get(pair.second)))
    return rows


def _compared(
    faces: Sequence[StoredFace], one: NDArray[np.float32] | None, other: NDArray[np.float32] | None
) -> dict[str, Any]:
    """Status, reason and cosine of a comparison that some faces have to be there for."""
    for face in faces:
        if not face.ok:
            return {"status": face.status, "reason": f"{face.unit_id}: {face.reason}", "cosine": None}
    if one is None or other is None:
        return {"status": "no_face", "reason": "where the photograph's face is, no method knows", "cosine": None}
    if not np.isfinite([one, other]).all():
        return {"status": "unreadable", "reason": "a photograph cannot be read any more", "cosine": None}
    return {"status": "ok", "reason": None, "cosine": float(cosine(one[None], other[None])[0])}


def _known(faces: Sequence[StoredFace]) -> StoredFace:
    """The first whose landmarks are known: a fit that was given up leaves none."""
    return next((face for face in faces if face.landmarks is not None), faces[0])


def _units(benchmark: Benchmark) -> list[Unit]:
    folder = benchmark.dataset.photographs.absolute()
    return [Unit(photo, folder / photo, subject=person_of(photo)) for photo in benchmark.photographs]
