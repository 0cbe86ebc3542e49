"""Work -> rows of the table."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from data import schemas, tables
from data.collections import Collection
from tasks import models
from tasks.run import Run, Work, code_version


@task(
    name="write rows",
    tags=["io"],
    retries=2,
    retry_delay_seconds=5,
    cache_policy=NO_CACHE,
    persist_result=False,
)
def write_rows(works: Sequence[Work], shard: int, collection: Collection, run: Run) -> Path:
    """Write a shard's part file, in the order of the photographs, and return its path."""
    loaded = models.models_of(run)
    schema = schemas.reconstructions(loaded.dimensions)
    common = dict.fromkeys(schema.names) | {
        "run_id": run.run_id,
        "method": run.method.name,
        "texture_model": run.method.texture,
        "collection": collection.name,
        "frames": 1,
        "device": loaded.device,
        "assets": sorted(loaded.sha256.items()),
        "config_sha256": run.config_sha256(loaded.settings),
        "code_version": code_version(),
        "seed": run.seed,
        "created_at": datetime.datetime.now(datetime.UTC),
    }
    rows = [common | _own(work) for work in sorted(works, key=_order)]
    return tables.write_part(rows, schema, run.out, collection.key, shard)


@task(name="drop stale rows", tags=["io"], retries=2, cache_policy=NO_CACHE, persist_result=False)
def drop_stale_rows(shards: int, collection: Collection, run: Run) -> None:
    """Remove the part files of an earlier run over the same collection, when it was longer."""
    tables.drop_parts_from(run.out, (run.method.name, run.method.texture), collection.key, shards)


def _order(work: Work) -> tuple[str, int]:
    return work.unit.unit_id, work.columns.get("face_index", 0)


def _own(work: Work) -> dict[str, Any]:
    source = str(work.unit.path).encode("utf-8", errors="backslashreplace").decode()
    return {"unit_id": work.unit.unit_id, "source": [source], **work.columns}
