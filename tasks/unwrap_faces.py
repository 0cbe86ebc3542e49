"""Photographs -> partial UV maps, shard by shard."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.collections import Unit
from data.files import replace
from ganfit_core.morphable import MorphableModel
from ganfit_core.partial_maps import CROP_SIZE, PartialMaps, partial_maps
from tasks.aligned import PERCEPTION_ASSETS, align_photos, content_key

# Of the arithmetic behind a part: parts of another version are made anew.
_VERSION = 1


class Shard(NamedTuple):
    """What came of a run of photographs."""

    unit_ids: list[str]
    """Photographs with a face, in the order of the maps."""
    maps: PartialMaps
    without: dict[str, str]
    """Photograph that gave no map -> reason."""


@task(name="unwrap photos", tags=["accelerator"], cache_policy=NO_CACHE, persist_result=False)
def unwrap_photos(units: list[Unit], resolution: int, part: Path) -> Path:
    """Unwrap the largest face of every photograph into `part` (npz); a photograph that fails only lacks its map.

    A part that exists is left as it is, so that a killed run resumes.
    """
    if not zipfile.is_zipfile(part):
        shard = _unwrap(units, resolution)
        part.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[Any]] = {
            "unit_ids": np.array(shard.unit_ids, dtype=str),
            "without": np.array(json.dumps(shard.without)),
            "textures": shard.maps.textures,
            "confidence": shard.maps.confidence,
            "normals": shard.maps.normals,
        }
        arrays |= {f"quality_{name}": values for name, values in shard.maps.quality.items()}
        replace(part, lambda file: np.savez(file, allow_pickle=False, **arrays))
    return part


def part_name(units: list[Unit], resolution: int) -> str:
    """Name of a shard's part file: another for other or changed photographs, another resolution or other models."""
    return f"{content_key(_VERSION, resolution, ('morphable', *PERCEPTION_ASSETS), units)}.npz"


def read_part(part: Path) -> Shard:
    """The shard in a part file."""
    with np.load(part) as arrays:
        quality = {n.removeprefix("quality_"): arrays[n] for n in arrays.files if n.startswith("quality_")}
        maps = PartialMaps(arrays["textures"], arrays["confidence"], arrays["normals"], quality)
        return Shard(arrays["unit_ids"].tolist(), maps, json.loads(str(arrays["without"])))


def _unwrap(units: list[Unit], resolution: int) -> Shard:
    aligned = align_photos(units, CROP_SIZE)
    maps = partial_maps(aligned.faces, MorphableModel.load(assets.find("morphable")), resolution)
    return Shard(aligned.unit_ids, maps, aligned.without)
