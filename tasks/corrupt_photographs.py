"""Photographs -> corrupted copies of them, a collection of its own for each corruption."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.collections import Unit, write_manifest
from data.files import replace_bytes
from evaluation.face_mask import landmark_hull
from ganfit_core.corruption import corrupt, seed_for
from ganfit_core.perception.photo import PhotoError
from tasks.progress import current
from tasks.run import one_line
from tasks.stored_faces import StoredFace, photograph


@dataclass(frozen=True)
class Corruption:
    """What was done to a photograph."""

    seed: int
    parameters: Mapping[str, float]
    """What was drawn."""
    covered: float
    """Share of the hull of the landmarks that is hidden."""


@dataclass(frozen=True)
class Corrupted:
    """Copies of photographs, all with the same corruption."""

    photographs: Path
    """Manifest of the copies, which have the unit_id of their originals; only of those that have a face."""
    done: Mapping[str, Corruption]
    """unit_id -> what was done."""
    failed: Mapping[str, str]
    """unit_id -> why there is no copy."""


@task(name="corrupt photographs", tags=["cpu"], cache_policy=NO_CACHE, persist_result=False)
def corrupt_photographs(faces: Sequence[StoredFace], name: str, seed: int, out: Path) -> Corrupted:
    """Write a copy of each photograph that has a face, each with a seed of its own, the same every time.

    ``name`` is one of ganfit_core.corruption.CORRUPTIONS.
    """
    folder = out.absolute() / "corrupted"
    found = [face for face in faces if face.landmarks is not None]
    units, done, failed = [], {}, {}
    for number, face in enumerate(found, start=1):
        path = folder / name / f"{face.unit_id}.png"
        try:
            done[face.unit_id] = _corrupt(face, name, seed_for(seed, face.unit_id, name), path)
            units.append(Unit(face.unit_id, path, subject=face.subject))
        except (PhotoError, ValueError) as error:
            failed[face.unit_id] = one_line(error)
        current().step(f"corrupting: {name}", number, len(found))
    record = {unit_id: asdict(corruption) for unit_id, corruption in done.items()}
    replace_bytes(folder / f"{name}.json", json.dumps(record, indent=1).encode())
    manifest = folder / f"{name}.csv"
    write_manifest(manifest, units)
    return Corrupted(manifest, done, failed)


def _corrupt(face: StoredFace, name: str, seed: int, path: Path) -> Corruption:
    pixels, landmarks = photograph(face)
    corrupted = corrupt(pixels, landmarks, name, seed)
    hull = landmark_hull(landmarks, pixels.shape[:2])
    content = io.BytesIO()
    Image.fromarray(corrupted.image).save(content, "png")
    if not path.is_file() or path.read_bytes() != content.getvalue():
        replace_bytes(path, content.getvalue())
    return Corruption(seed, corrupted.parameters, float(corrupted.covered[hull].mean()))
