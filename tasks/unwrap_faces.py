"""Photographs -> partial UV maps, shard by shard."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.collections import Unit
from ganfit_core.morphable import MorphableModel
from ganfit_core.partial_maps import CROP_SIZE, PartialMaps, partial_maps
from ganfit_core.perception.align import AlignedFace, align_face
from ganfit_core.perception.detect import CenterFace
from ganfit_core.perception.faces import find_faces
from ganfit_core.perception.landmarks import DlibLandmarks
from ganfit_core.perception.photo import PhotoError, read_photo


class Shard(NamedTuple):
    """What came of a run of photographs."""

    unit_ids: list[str]
    """Photographs with a face, in the order of the maps."""
    maps: PartialMaps
    without: dict[str, str]
    """Photograph that gave no map -> reason."""


@task(name="unwrap photos", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def unwrap_photos(units: list[Unit], resolution: int, part: Path) -> Path:
    """Unwrap the largest face of every photograph into `part` (npz).

    A part that exists is left as it is, so that a killed run resumes.
    """
    if not part.exists():
        shard = _unwrap(units, resolution)
        part.parent.mkdir(parents=True, exist_ok=True)
        temporary = part.with_suffix(".tmp")
        arrays: dict[str, NDArray[Any]] = {
            "unit_ids": np.array(shard.unit_ids, dtype=str),
            "without": np.array(json.dumps(shard.without)),
            "textures": shard.maps.textures,
            "confidence": shard.maps.confidence,
            "normals": shard.maps.normals,
        }
        arrays |= {f"quality_{name}": values for name, values in shard.maps.quality.items()}
        with temporary.open("wb") as handle:
            np.savez(handle, allow_pickle=False, **arrays)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(part)
    return part


def part_name(units: list[Unit], resolution: int) -> str:
    """Name of a shard's part file: another for other photographs, another resolution or shape model."""
    content = json.dumps([[unit.unit_id for unit in units], resolution, assets.locate("morphable").sha256])
    return f"{hashlib.sha256(content.encode()).hexdigest()[:20]}.npz"


def read_part(part: Path) -> Shard:
    """The shard in a part file."""
    with np.load(part) as arrays:
        quality = {n.removeprefix("quality_"): arrays[n] for n in arrays.files if n.startswith("quality_")}
        maps = PartialMaps(arrays["textures"], arrays["confidence"], arrays["normals"], quality)
        return Shard(arrays["unit_ids"].tolist(), maps, json.loads(str(arrays["without"])))


def _unwrap(units: list[Unit], resolution: int) -> Shard:
    detect = CenterFace(assets.find("centerface"))
    landmarks = DlibLandmarks(assets.find("dlib-landmarks-68"))
    unit_ids: list[str] = []
    aligned: list[AlignedFace] = []
    without: dict[str, str] = {}
    for unit in units:
        try:
            rgb = read_photo(unit.path)
        except PhotoError as error:
            without[unit.unit_id] = str(error)
            continue
        faces = find_faces(rgb, detect, landmarks)
        if faces:
            unit_ids.append(unit.unit_id)
            aligned.append(align_face(rgb, faces[0].landmarks, CROP_SIZE))
        else:
            without[unit.unit_id] = "no face"
    return Shard(unit_ids, partial_maps(aligned, MorphableModel.load(assets.find("morphable")), resolution), without)
