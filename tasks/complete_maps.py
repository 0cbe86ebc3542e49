"""Partial UV maps, shard by shard -> complete maps and their index."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets
from data.assets.hashing import sha256_of, write_json
from data.lfw import HELD_OUT_FOLD, person_of
from ganfit_core.map_completion import MapCompletion, Regions, rejections, seen_share
from ganfit_core.morphable import MorphableModel
from ganfit_core.partial_maps import PartialMaps
from tasks.run import code_version
from tasks.unwrap_faces import read_part

MAPS, INDEX, SOURCE, STATISTICS, MASK = "maps", "index.parquet", "source.json", "statistics.safetensors", "mask.npy"
FEWEST_MAPS = 4
# What is usual is learnt from this many maps at most: their small copies are held in memory together.
_SAMPLE = 3000


class TooFewMapsError(ValueError):
    """Too few faces passed the quality thresholds to learn from."""


@task(name="learn statistics", cache_policy=NO_CACHE, persist_result=False)
def learn_statistics(parts: list[Path], out: Path) -> Path:
    """Learn what the maps of `parts` have in common; writes `out`/statistics.safetensors and mask.npy.

    Raises TooFewMapsError when hardly a face passes.
    """
    model = MorphableModel.load(assets.find("morphable"))
    sample: list[PartialMaps] = []
    regions: Regions | None = None
    count = faces = 0
    for part in parts:
        if count >= _SAMPLE:
            break
        maps = read_part(part).maps
        regions = regions or Regions.of(model, maps.textures.shape[1])
        good = np.flatnonzero(rejections(_quality(maps, regions)) == "")
        sample.append(_rows(maps, good))
        count, faces = count + len(good), faces + len(maps.textures)
    if regions is None or count < FEWEST_MAPS:
        raise TooFewMapsError(f"{count} of {faces} faces are good enough; {FEWEST_MAPS} are needed")
    path = out / STATISTICS
    MapCompletion.learn(sample, regions).save(path)
    np.save(out / MASK, regions.face.numpy().astype(np.float32))
    return path


@task(name="complete shard", cache_policy=NO_CACHE, persist_result=False)
def complete_shard(part: Path, statistics: Path, target: Path) -> pd.DataFrame:
    """Write the maps of a part that may be learnt from to `target`, uint8 (n, R, R, 3); n may be 0, then no file.

    Returns one row per photograph of the part, with its quality, `reason` (null for maps that were kept), `file` and
    `row` of its map.
    """
    shard = read_part(part)
    completion = MapCompletion.load(statistics)
    quality = _quality(shard.maps, completion.regions)
    reasons = rejections(quality)
    candidates = np.flatnonzero(reasons == "")
    completed = completion.complete(_rows(shard.maps, candidates))
    reasons[candidates] = completion.rejections(completed)
    kept = completed.textures[reasons[candidates] == ""]
    _write_maps(target, kept)

    rows = pd.DataFrame({"unit_id": shard.unit_ids, **quality})
    for name in ("contrast", "oddity"):
        rows[name] = np.float32(np.nan)
        rows.loc[candidates, name] = getattr(completed, name)
    rows["reason"] = pd.array([reason or None for reason in reasons.tolist()], dtype="string")
    rows["file"] = pd.array([target.name if not reason else None for reason in reasons.tolist()], dtype="string")
    rows["row"] = pd.array([pd.NA] * len(rows), dtype="Int32")
    rows.loc[reasons == "", "row"] = np.arange(len(kept), dtype=np.int32)
    without = pd.DataFrame({"unit_id": list(shard.without), "reason": list(shard.without.values())})
    rows = pd.concat([rows, without.astype("string")], ignore_index=True) if len(without) else rows
    rows.insert(1, "subject", [person_of(unit_id) for unit_id in rows["unit_id"]])
    rows.insert(2, "split", target.name.rsplit("-", 1)[0])
    return rows


@task(name="write index", cache_policy=NO_CACHE, persist_result=False)
def write_index(rows: list[pd.DataFrame], out: Path, photos: list[Path], pairs: Path | None) -> pd.DataFrame:
    """Write `out`/index.parquet, one row per photograph, and source.json: what the maps were made of, for weights that
    are trained on them."""
    index = pd.concat(rows, ignore_index=True)
    for stale in {path.name for path in (out / MAPS).iterdir()} - set(index["file"].dropna()):
        (out / MAPS / stale).unlink()  # of a run over other photographs
    temporary = out / f"{INDEX}.tmp"
    index.to_parquet(temporary, index=False)
    os.replace(temporary, out / INDEX)
    morphable = assets.locate("morphable")
    source = {
        "photographs": len(index),
        "maps": {str(split): int(n) for split, n in index[index["reason"].isna()].groupby("split").size().items()},
        "collections": [path.name for path in photos],
        "held_out": f"fold {HELD_OUT_FOLD} of {pairs.name}" if pairs else None,
        "pairs_sha256": sha256_of(pairs) if pairs else None,
        "morphable_sha256": morphable.sha256,
        "uv_sha256": MorphableModel.load(morphable.path).uv_sha256,
        "code_version": code_version(),
    }
    write_json(out / SOURCE, source)
    return index


def _quality(maps: PartialMaps, regions: Regions) -> dict[str, NDArray[np.float32]]:
    return {**maps.quality, "seen": seen_share(maps.confidence, regions.face)}


def _rows(maps: PartialMaps, rows: NDArray[np.int64]) -> PartialMaps:
    return PartialMaps(
        maps.textures[rows],
        maps.confidence[rows],
        maps.normals[rows],
        {name: values[rows] for name, values in maps.quality.items()},
    )


def _write_maps(target: Path, maps: NDArray[np.uint8]) -> None:
    target.unlink(missing_ok=True)
    if not len(maps):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    with temporary.open("wb") as handle:
        np.save(handle, maps)
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(target)
