"""Partial UV maps, shard by shard -> complete maps and their index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import assets, schemas
from data.assets.hashing import sha256_of, write_json
from data.files import replace
from data.lfw import HELD_OUT_FOLD, person_of
from ganfit_core.map_completion import MapCompletion, Regions, rejections, seen_share
from ganfit_core.morphable import MorphableModel
from ganfit_core.partial_maps import PartialMaps
from tasks.code import code_version
from tasks.unwrap_faces import read_part

MAPS, INDEX, SOURCE, STATISTICS, MASK = "maps", "index.parquet", "source.json", "statistics.safetensors", "mask.npy"
# What is usual is learnt from about this many maps at most: their small copies are held in memory together.
_SAMPLE = 3000


@task(name="learn statistics", cache_policy=NO_CACHE, persist_result=False)
def learn_statistics(parts: list[Path], resolution: int, out: Path) -> Path:
    """Learn what the maps of `parts` have in common; writes `out`/statistics.safetensors and mask.npy.

    What an earlier run completed in `out` is removed first, the record of it before anything: nobody shall take a
    mixture of two runs, perhaps with another split, for one.

    Raises ganfit_core.map_completion.TooFewMapsError when hardly a face passes.
    """
    for record in (out / SOURCE, out / INDEX):
        record.unlink(missing_ok=True)
    (out / MAPS).mkdir(parents=True, exist_ok=True)
    for stale in (out / MAPS).iterdir():
        stale.unlink()
    regions = Regions.of(MorphableModel.load(assets.find("morphable")), resolution)
    path = out / STATISTICS
    MapCompletion.learn(_good(parts, regions), regions).save(path)
    replace(out / MASK, lambda file: np.save(file, regions.face.numpy().astype(np.float32)))
    return path


def _good(parts: list[Path], regions: Regions) -> Iterator[PartialMaps]:
    count = 0
    for part in parts:
        if count >= _SAMPLE:
            return
        maps = read_part(part).maps
        good = np.flatnonzero(rejections(_quality(maps, regions)) == "")
        yield _rows(maps, good)
        count += len(good)


@task(name="complete shard", cache_policy=NO_CACHE, persist_result=False)
def complete_shard(part: Path, split: str, statistics: Path, target: Path) -> pd.DataFrame:
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
    if len(kept):
        replace(target, lambda file: np.save(file, kept))

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
    rows["split"] = split
    return rows


@task(name="write index", cache_policy=NO_CACHE, persist_result=False)
def write_index(rows: list[pd.DataFrame], out: Path, photos: list[Path], pairs: Path | None) -> pa.Table:
    """Write `out`/index.parquet, one row per photograph, and source.json: what the maps were made of, for weights that
    are trained on them."""
    index = pd.concat(rows, ignore_index=True)
    # Only LFW's files are known to be named after people.
    index["subject"] = [person_of(unit_id) if pairs else None for unit_id in index["unit_id"]]
    table = pa.Table.from_pandas(index, schemas.texture_maps(), preserve_index=False)
    replace(out / INDEX, lambda file: pyarrow.parquet.write_table(table, file, compression="zstd"))
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
    return table


def _quality(maps: PartialMaps, regions: Regions) -> dict[str, NDArray[np.float32]]:
    return {**maps.quality, "seen": seen_share(maps.confidence, regions.face)}


def _rows(maps: PartialMaps, rows: NDArray[np.int64]) -> PartialMaps:
    return PartialMaps(
        maps.textures[rows],
        maps.confidence[rows],
        maps.normals[rows],
        {name: values[rows] for name, values in maps.quality.items()},
    )
