"""Photographs -> corrupted copies of them, a collection of its own for each corruption."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.collections import Unit, write_manifest
from data.files import replace_bytes
from evaluation.face_mask import landmark_hull
from ganfit_core.corruption import corrupt, seed_for
from ganfit_core.perception.photo import PhotoError
from tasks.code import sources_sha256
from tasks.progress import current
from tasks.run import one_line
from tasks.stored_faces import StoredFace, photograph, photograph_key


@dataclass(frozen=True)
class Drawn:
    """What was done to a photograph."""

    seed: int
    parameters: Mapping[str, float]
    """What was drawn."""
    covered: float
    """Share of the hull of the landmarks that is hidden."""
    key: str
    """Another one where anything is another that the copy depends on."""


@dataclass(frozen=True)
class Copies:
    """Copies of photographs, all with the same corruption."""

    photographs: Path
    """Manifest of the copies, which have the unit_id of their originals; only of those that have a face."""
    done: Mapping[str, Drawn]
    """unit_id -> what was done."""
    failed: Mapping[str, str]
    """unit_id -> why there is no copy."""


@task(name="corrupt photographs", tags=["cpu"], cache_policy=NO_CACHE, persist_result=False)
def corrupt_photographs(faces: Sequence[StoredFace], name: str, seed: int, out: Path) -> Copies:
    """Write a copy of each photograph that has a face, each with a seed of its own; those made before are left.

    ``name`` is one of ganfit_core.corruption.CORRUPTIONS.
    """
    folder = out.absolute() / "corrupted"
    record = folder / f"{name}.json"
    known = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    found = [face for face in faces if face.landmarks is not None]
    units, done, failed = [], {}, {}
    for number, face in enumerate(found, start=1):
        path = folder / name / f"{face.unit_id}.png"
        try:
            done[face.unit_id] = _copied(face, name, seed_for(seed, face.unit_id, name), path, known.get(face.unit_id))
            units.append(Unit(face.unit_id, path, subject=face.unit.subject))
        except (PhotoError, ValueError) as error:
            failed[face.unit_id] = one_line(error)
        current().step(f"corrupting: {name}", number, len(found))
    replace_bytes(record, json.dumps({unit_id: asdict(drawn) for unit_id, drawn in done.items()}, indent=1).encode())
    manifest = folder / f"{name}.csv"
    write_manifest(manifest, units)
    return Copies(manifest, done, failed)


def _copied(face: StoredFace, name: str, seed: int, path: Path, known: Mapping[str, Any] | None) -> Drawn:
    depends_on = [photograph_key(face), name, seed, sources_sha256(__name__, corrupt.__module__)]
    key = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()
    if known is not None and known["key"] == key and path.is_file():
        return Drawn(**known)
    pixels, landmarks = photograph(face)
    corrupted = corrupt(pixels, landmarks, name, seed)
    hull = landmark_hull(landmarks, pixels.shape[:2])
    content = io.BytesIO()
    Image.fromarray(corrupted.image).save(content, "png")
    replace_bytes(path, content.getvalue())
    return Drawn(seed, corrupted.parameters, float(corrupted.covered[hull].mean()), key)
