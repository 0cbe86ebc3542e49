"""Work -> rows of the tables."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data import schemas, tables
from tasks.code import code_version
from tasks.healing import healing
from tasks.lineage import Lineage
from tasks.run import Run, Work


def write_rows(works: Sequence[Work], shard: str, run: Run, lineage: Lineage) -> list[Path]:
    """Write a shard's part files, rows in the order of the units, and return their paths.

    Raises OSError where they cannot be written, not even after some time.
    """
    works = sorted(works, key=lambda work: work.name)
    schema = schemas.reconstructions(lineage.dimensions)
    common = dict.fromkeys(schema.names) | {
        "run_id": run.run_id,
        "method": run.method.name,
        "texture_model": run.method.texture,
        "collection": run.collection,
        "collection_key": run.collection_key,
        "frames": 1,
        "device": lineage.device,
        "assets": sorted(lineage.assets.items()),
        "config_sha256": lineage.config_sha256,
        "code_version": code_version(),
        "code_sha256": lineage.code_sha256,
        "without": list(run.without),
        "seed": run.seed,
        "shard": shard,
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    rows = [common | _own(work, lineage) for work in works]
    paths = []
    # Last come the rows that say that all is done.
    if frame_rows := [{**row, "shard": shard} for work in works for row in work.frame_rows]:
        frames = schemas.frames(lineage.dimensions)
        paths.append(healing(lambda: tables.write_part(frame_rows, frames, run.out, shard, 0), shard))
    return [*paths, healing(lambda: tables.write_part(rows, schema, run.out, shard, 0), shard)]


def _own(work: Work, lineage: Lineage) -> dict[str, Any]:
    return {
        "unit_id": work.unit.unit_id,
        "source": [work.unit.source],
        "subject": work.unit.subject,
        "result_key": lineage.result_key(work.columns.get("content_sha256")),
        **work.columns,
    }
