"""Photographs -> the UV maps a texture model is trained on: discover -> unwrap -> learn what is usual -> complete."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from prefect import flow

from tasks.complete_maps import MAPS, complete_shard, learn_statistics, write_index
from tasks.progress import current
from tasks.splits import TRAIN, shards_of
from tasks.steps import call
from tasks.unwrap_faces import part_name, unwrap_photos

SHARD = 256
"""Photographs of a shard; fewer where their maps would not fit."""
_SHARD_BYTES = 48 * 2**20


@flow(name="build-textures")
def build_textures(photos: list[Path], out: Path, pairs: Path | None = None, resolution: int = 256) -> pa.Table:
    """Unwrap every photograph's largest face and complete the maps.

    A killed run resumes with the first shard that is not unwrapped; completing, a fifth of the work, begins anew.

    Args:
        photos: files or folders.
        out: gets parts/, maps/, mask.npy, statistics.safetensors, index.parquet and source.json.
        pairs: LFW's pairs.txt; the people of its held-out fold get maps of their own split, of which nothing is learnt.
        resolution: texels a side, a power of two of at least 64.

    Returns the index. Raises ValueError for another resolution, no photographs, an unfit pairs.txt or too few faces.
    """
    if resolution < 64 or resolution & (resolution - 1):
        raise ValueError(f"the resolution must be a power of two of at least 64, not {resolution}")
    shards = shards_of(photos, pairs, min(SHARD, _SHARD_BYTES // (3 * resolution**2)))
    parts = []
    for done, (split, units) in enumerate(shards):
        current().step("unwrapping photographs", done, len(shards))
        parts.append((split, call(unwrap_photos, units, resolution, out / "parts" / part_name(units, resolution))))
    statistics = call(learn_statistics, [part for split, part in parts if split == TRAIN], resolution, out)
    rows = []
    for done, (split, part) in enumerate(parts):
        current().step("completing maps", done, len(parts))
        rows.append(call(complete_shard, part, split, statistics, out / MAPS / f"{split}-{done:05d}.npy"))
    return call(write_index, rows, out, photos, pairs)
