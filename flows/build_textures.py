"""Photographs -> the UV maps a texture model is trained on: discover -> unwrap -> complete."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from prefect import flow

from data.collections import CollectionError, discover
from data.lfw import fold_people, person_of
from tasks.complete_maps import complete_maps, record_source
from tasks.progress import current
from tasks.steps import call
from tasks.unwrap_faces import part_name, read_part, reference_map, unwrap_photos

SHARD = 256


@flow(name="build-textures")
def build_textures(
    photos: list[Path],
    out: Path,
    pairs: Path | None = None,
    resolution: int = 128,
) -> pd.DataFrame:
    """Unwrap every photograph's largest face and complete the maps; resumes where a killed run stopped.

    Args:
        photos: files or folders.
        out: gets parts/, maps.npy, index.parquet and source.json.
        pairs: LFW's pairs.txt; the people of its held-out fold are left out.
        resolution: texels a side.
    """
    held_out = fold_people(pairs) if pairs else set()
    units = [unit for unit in discover(photos).units if person_of(unit.unit_id) not in held_out]
    if not units:
        raise CollectionError("every photograph shows a held-out person")
    # Shuffled, so that the maps of an interrupted run are a fair sample.
    order = np.random.default_rng(0).permutation(len(units))
    shards = [[units[i] for i in order[start : start + SHARD]] for start in range(0, len(units), SHARD)]

    folder = out / "parts"
    first = call(unwrap_photos, shards[0], resolution, None, folder / part_name(shards[0], resolution, None))
    reference = reference_map(read_part(first))
    parts = []
    for done, shard in enumerate(shards):
        current().step("unwrapping photographs", done, len(shards))
        parts.append(
            call(unwrap_photos, shard, resolution, reference, folder / part_name(shard, resolution, reference))
        )
    index = call(complete_maps, parts, out)
    call(record_source, out, photos, pairs, len(units))
    return index
