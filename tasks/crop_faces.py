"""Photographs -> aligned crops on disk, shard by shard, for training a regressor."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.assets.hashing import sha256_of, write_json
from data.collections import Unit
from data.files import replace
from data.lfw import HELD_OUT_FOLD
from ganfit_core.regressor.crops import LISTING
from tasks.aligned import PERCEPTION_ASSETS, align_photos, content_key
from tasks.code import code_version
from tasks.splits import PEOPLE_PER_HELD_OUT

# Of the arithmetic behind a part: parts of another version are made anew.
_VERSION = 1


@task(name="crop faces", tags=["cpu"], cache_policy=NO_CACHE, persist_result=False)
def crop_faces(units: list[Unit], side: int, split: str, out: Path) -> str:
    """Write a shard's crops, `out`/{name}.npy, and what belongs to them, {name}.npz; returns the name.

    A shard that is there is left as it is, so that a killed run resumes.
    """
    name = f"{split}-{content_key(_VERSION, side, PERCEPTION_ASSETS, units)}"
    record = out / f"{name}.npz"
    if not zipfile.is_zipfile(record):
        aligned = align_photos(units, side)
        images = np.stack([face.image for face in aligned.faces]) if aligned.faces else np.zeros((0, side, side, 3))
        points = np.stack([face.landmarks for face in aligned.faces]) if aligned.faces else np.zeros((0, 68, 2))
        inside = [np.ones((side, side), bool) if face.inside is None else face.inside for face in aligned.faces]
        arrays = {
            "unit_ids": np.array(aligned.unit_ids, dtype=str),
            "landmarks": points.astype(np.float32),
            "inside": np.packbits(np.array(inside, dtype=bool).reshape(len(inside), side * side), axis=1),
            "without": np.array(json.dumps(aligned.without)),
        }
        out.mkdir(parents=True, exist_ok=True)
        replace(out / f"{name}.npy", lambda file: np.save(file, images.astype(np.uint8)))
        # Last: where it is, the crops are there too.
        replace(record, lambda file: np.savez(file, allow_pickle=False, **arrays))
    return name


@task(name="list crops", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def list_crops(names: list[str], side: int, out: Path, photos: list[Path], pairs: Path | None) -> Path:
    """Write `out`/crops.json: which shards are of this collection, and what they were made of."""
    source = {
        "collections": [path.name for path in photos],
        "held_out": f"fold {HELD_OUT_FOLD} of {pairs.name}" if pairs else f"one person in {PEOPLE_PER_HELD_OUT}",
        "pairs_sha256": sha256_of(pairs) if pairs else None,
        "code_version": code_version(),
    }
    write_json(out / LISTING, {"side": side, "shards": names, "source": source})
    return out / LISTING
