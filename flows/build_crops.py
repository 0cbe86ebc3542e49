"""Photographs -> the aligned crops a regressor is trained on."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from tasks.crop_faces import crop_faces, list_crops
from tasks.progress import current
from tasks.splits import shards_of
from tasks.steps import call

SHARD = 512
"""Photographs of a shard."""
SIDE = 160
"""Side of a crop, px: a fifth more than LFW's photographs resolve, room for a change of scale."""


@flow(name="build-crops")
def build_crops(photos: list[Path], out: Path, pairs: Path | None = None, side: int = SIDE) -> Path:
    """Find and align every photograph's largest face. A killed run resumes with the first shard that is not there.

    Args:
        photos: files or folders.
        out: gets the shards and crops.json.
        pairs: LFW's pairs.txt; the people of its held-out fold get crops of their own split, never learnt from. None:
            every 20th person does, of folders of one person each (tasks.splits.shards_of).
        side: of a crop, px.

    Returns crops.json. Raises ValueError for no photographs or an unfit pairs.txt.
    """
    shards = shards_of(photos, pairs, SHARD, always_hold_out=True)
    names = []
    for done, (split, units) in enumerate(shards):
        current().step("aligning faces", done, len(shards))
        names.append(call(crop_faces, units, side, split, out))
    return call(list_crops, names, side, out, photos, pairs)
