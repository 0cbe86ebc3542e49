"""Partial UV maps of many shards -> one file of complete maps and its index."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE
from torch import Tensor
from torch.nn import functional

from data import assets
from data.assets.hashing import sha256_of, write_json
from data.lfw import HELD_OUT_FOLD, person_of
from ganfit_core.complete import TextureStatistics, add_mirror_image
from ganfit_core.morphable import MorphableModel
from ganfit_core.unwrap import face_weight
from tasks.run import code_version
from tasks.unwrap_faces import Shard, read_part

# Maps that would teach the texture model something else than skin: badly aligned, half hidden, blurred.
LARGEST_LANDMARK_ERROR = 0.055
LARGEST_YAW = 40.0
SMALLEST_SEEN = 0.35
SMALLEST_SHARPNESS = 12.0
# Of the maps that pass, this share departs most from what the others make likely: hats, hands, hard shadows.
ODDEST_SHARE = 0.1
_STATISTICS_SIDE, _STATISTICS_MAPS, _COMPONENTS = 64, 3000, 60
_BATCH = 64
FEWEST_MAPS = 4
SOURCE = "source.json"


class TooFewMapsError(ValueError):
    """Too few faces passed the quality thresholds to learn from."""


@task(name="complete maps", cache_policy=NO_CACHE, persist_result=False)
def complete_maps(parts: list[Path], out: Path) -> pd.DataFrame:
    """Write `out`/maps.npy (N, R, R, 3) uint8 and `out`/index.parquet, one row per unwrapped face.

    Rows whose quality is below the thresholds have `map` = -1: they are in the index but not in maps.npy.

    Raises TooFewMapsError when hardly a face passes.
    """
    shards = [read_part(part) for part in parts]
    index = pd.concat([_rows(shard) for shard in shards], ignore_index=True)
    passing = np.flatnonzero(index["kept"])
    if len(passing) < FEWEST_MAPS:
        raise TooFewMapsError(f"{len(passing)} of {len(index)} faces are good enough; {FEWEST_MAPS} are needed")
    textures = np.concatenate([shard.textures for shard in shards])[passing]
    confidence = np.concatenate([shard.confidence for shard in shards])[passing]
    trusted = face_weight(MorphableModel.load(assets.find("morphable")), textures.shape[1])

    def batch(rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        return _prepared(textures[rows], confidence[rows], trusted)

    order = np.random.default_rng(0).permutation(len(textures))[:_STATISTICS_MAPS]
    small = [_smaller(*batch(rows)) for rows in _batches(order)]
    statistics = TextureStatistics.learn(
        torch.cat([t for t, _ in small]), torch.cat([c for _, c in small]), min(_COMPONENTS, len(order) // 4)
    )
    everything = np.arange(len(textures))
    oddity = torch.cat([statistics.oddity(*_smaller(*batch(rows))) for rows in _batches(everything)]).numpy()
    index.loc[passing, "oddity"] = oddity
    good = oddity <= np.quantile(oddity, 1 - ODDEST_SHARE)
    index.loc[passing[~good], "kept"] = False
    index["map"] = -1
    index.loc[index["kept"], "map"] = np.arange(int(good.sum()))

    temporary = out / "maps.tmp.npy"
    maps = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(int(good.sum()), *textures.shape[1:]))
    done = 0
    for rows in _batches(everything[good]):
        texture, certain = batch(rows)
        filled = statistics.fill(texture, statistics.without_outliers(texture, certain))
        maps[done : done + len(rows)] = (filled * 255).round().byte().permute(0, 2, 3, 1).numpy()
        done += len(rows)
    maps.flush()
    temporary.replace(out / "maps.npy")
    table = out / "index.tmp.parquet"
    index.to_parquet(table, index=False)
    os.replace(table, out / "index.parquet")
    return index


@task(name="record source", cache_policy=NO_CACHE, persist_result=False)
def record_source(out: Path, photos: list[Path], pairs: Path | None, units: int) -> None:
    """Write `out`/source.json: what the maps were made of, for the weights that are trained on them."""
    source = {
        "photographs": units,
        "collections": [path.name for path in photos],
        "held_out": f"fold {HELD_OUT_FOLD} of {pairs.name}" if pairs else None,
        "pairs_sha256": sha256_of(pairs) if pairs else None,
        "morphable_sha256": assets.locate("morphable").sha256,
        "code_version": code_version(),
    }
    write_json(out / SOURCE, source)


def _batches(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH)]


def _rows(shard: Shard) -> pd.DataFrame:
    rows = pd.DataFrame({"unit_id": shard.unit_ids, **shard.quality})
    rows.insert(1, "subject", [person_of(unit_id) for unit_id in shard.unit_ids])
    rows["kept"] = (
        (rows["landmark_error"] < LARGEST_LANDMARK_ERROR)
        & (rows["yaw"].abs() < LARGEST_YAW)
        & (rows["seen"] > SMALLEST_SEEN)
        & (rows["sharpness"] > SMALLEST_SHARPNESS)
    )
    return rows


def _prepared(textures: NDArray[np.uint8], confidence: NDArray[np.uint8], trusted: Tensor) -> tuple[Tensor, Tensor]:
    texture = torch.from_numpy(textures).permute(0, 3, 1, 2).float() / 255
    weight = torch.from_numpy(confidence)[:, None].float() / 255
    # Black corners of a rotated photograph are no skin.
    weight = weight * trusted * (texture.amax(dim=1, keepdim=True) > 0.02)
    return add_mirror_image(texture, weight)


def _smaller(texture: Tensor, confidence: Tensor) -> tuple[Tensor, Tensor]:
    side = texture.shape[-1] // _STATISTICS_SIDE
    weight = functional.avg_pool2d(confidence, side)
    return functional.avg_pool2d(texture * confidence, side) / weight.clamp_min(1e-6), weight
