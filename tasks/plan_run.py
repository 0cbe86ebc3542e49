"""A collection and the rows that are there -> what a run computes; and afterwards, no row too many."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import manifest, migrations, parts, tables
from data import plan as planning
from data.collections import Collection, Kind, Unit, content_sha256
from data.compaction import leftovers
from data.parts import Damaged, PartError
from data.plan import Demand, Plan
from tasks.lineage import Lineage, lineage_of
from tasks.progress import current
from tasks.reconstruct_video import video_run
from tasks.run import Run
from tasks.worker import Limits, workers

logger = logging.getLogger(__name__)

_READERS = 16
"""Files that are hashed at a time: on a network the time goes into waiting."""
_FILE_COLUMN = {"all": "mesh", "overlay": "overlay", "none": None}


@task(name="plan", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def plan_run(
    collection: Collection,
    run: Run,
    limits: Limits | None,
    shard_size: int,
    again: bool = False,
    retry_failed: bool = False,
) -> Plan:
    """Find out what has to be computed; nothing is written. Units whose part file is damaged have to be.

    Raises what loading the models raises, and data.migrations.NewerVersionError for rows of a later program.
    """
    lineages = {kind: _lineage(run, kind == "video", limits) for kind in {unit.kind for unit in collection.units}}
    plan_path = planning.path(run.out, run.collection_key, run.partition)
    earlier = planning.stored(plan_path)
    known = planning.known_contents(earlier, collection.units)
    demand = Demand(
        lambda kind, content: lineages[kind].result_key(content),  # type: ignore[index]
        shard_size,
        again,
        retry_failed,
        _FILE_COLUMN[run.files],
    )
    contents = {**known, **_contents([unit for unit in collection.units if unit.unit_id not in known])}
    rows, damaged = stored_rows(run, tables.RECONSTRUCTIONS, (*planning.ROW_COLUMNS, "run_id"))
    frames, damaged_frames = stored_rows(run, tables.FRAMES, ("collection_key", "unit_id", "run_id"))
    plan = planning.make_plan(collection, contents, _with_frames(rows, frames, collection), earlier, demand)
    return dataclasses.replace(plan, damaged=(*damaged, *damaged_frames))


@task(name="keep plan", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def keep_plan(plan: Plan, run: Run) -> None:
    """Store the plan for the next run, and mend what an ended run left: damaged parts are moved out of readers' way,
    half files removed, and parts that were finished but not entered in the manifest are.
    """
    for path in leftovers(run.out):
        path.unlink()
    for part in plan.damaged:
        logger.warning("%s is set aside: %s", part.path, part.reason)
    parts.set_aside(run.out, plan.damaged)
    known = manifest.entries(run.out)
    for table in (tables.RECONSTRUCTIONS, tables.FRAMES):
        names, _ = sound_parts(run, table)
        manifest.record(run.out, [run.out / name for name in names if name not in known], run.run_id)
    planning.store(plan, planning.path(run.out, run.collection_key, run.partition))


@task(name="tidy", tags=["io"], cache_policy=NO_CACHE, persist_result=False)
def tidy(wanted: Mapping[str, str | None], run: Run, prune: Sequence[Kind] = ()) -> int:
    """Take out rows of the collection to which there are better ones, and those of units that are gone, of the kinds
    ``prune``.

    ``wanted`` has the result key of every unit of the collection, or of those that were computed. Says how many went.
    """
    rows, _ = stored_rows(run, tables.RECONSTRUCTIONS, (*planning.ROW_COLUMNS, "run_id"))
    places = planning.superseded(rows, run.collection_key, wanted, prune)
    _drop(rows, places, run.out)
    kept = np.array([owner == run.collection_key for owner in rows["collection_key"].to_pylist()], bool)
    kept[places] = False
    written_by = set(zip(*(rows.filter(kept)[name].to_pylist() for name in ("unit_id", "run_id")), strict=True))
    frames, _ = stored_rows(run, tables.FRAMES, ("collection_key", "unit_id", "run_id"))
    columns = (frames[name].to_pylist() for name in ("collection_key", "unit_id", "run_id"))
    stale = [
        place
        for place, (owner, *name) in enumerate(zip(*columns, strict=True))
        if owner == run.collection_key and tuple(name) not in written_by
    ]
    _drop(frames, stale, run.out)
    return len(places)


def _lineage(run: Run, videos: bool, limits: Limits | None) -> Lineage:
    own = video_run(run) if videos else run
    if limits is None:
        return lineage_of(own, videos)
    with workers.lease(limits) as worker:  # this process need not load the models for it
        return worker.lineage(own, videos)


def sound_parts(run: Run, table: str) -> tuple[list[str], list[Damaged]]:
    """The parts of the run's partition, by their footers."""
    folder = manifest.name_of(run.out, tables.partition_folder(run.out, table, run.partition)) + "/"
    sound, damaged = parts.survey(run.out, table)
    names = [part.path for part in sound if part.path.startswith(folder)]
    return names, [part for part in damaged if part.path.startswith(folder)]


def stored_rows(run: Run, table: str, columns: Sequence[str]) -> tuple[pa.Table, list[Damaged]]:
    """`data.parts.index` of the sound parts of the run's partition, and the others."""
    names, damaged = sound_parts(run, table)
    while names:
        try:
            return _owned(parts.columns_of(run.out, names, columns), run), damaged
        except PartError as error:
            names.remove(error.damaged.path)
            damaged.append(error.damaged)
    fields = [migrations.current_schema(table).field(name) for name in columns]
    return pa.schema([*fields, ("part", pa.string()), ("row", pa.int64())]).empty_table(), damaged


def _with_frames(rows: pa.Table, frames: pa.Table, collection: Collection) -> pa.Table:
    """The rows without those of videos whose rows of `frames` are not there: they have to be made again."""
    videos = {unit.unit_id for unit in collection.units if unit.kind == "video"}
    if not videos:
        return rows
    have = set(zip(frames["unit_id"].to_pylist(), frames["run_id"].to_pylist(), strict=True))
    names = zip(*(rows[name].to_pylist() for name in ("unit_id", "run_id", "status")), strict=True)
    whole = [name not in videos or status != "ok" or (name, run_id) in have for name, run_id, status in names]
    return rows.filter(pa.array(whole, pa.bool_()))


def _owned(rows: pa.Table, run: Run) -> pa.Table:
    """The rows, those of version 1 with their collection's key, which then stood in the part's name alone."""
    keys = rows["collection_key"]
    if keys.null_count == 0:
        return rows
    mark = f"/part-{run.collection_key}-"
    known = [
        run.collection_key if key is None and mark in part else key
        for key, part in zip(keys.to_pylist(), rows["part"].to_pylist(), strict=True)
    ]
    return rows.set_column(rows.column_names.index("collection_key"), "collection_key", [known])


def _contents(units: Sequence[Unit]) -> dict[str, str | None]:
    listener = current()
    contents = {}
    with ThreadPoolExecutor(_READERS) as pool:
        for number, (unit, content) in enumerate(zip(units, pool.map(content_sha256, units), strict=True)):
            contents[unit.unit_id] = content
            listener.step("looking at files", number + 1, len(units))
    return contents


def _drop(rows: pa.Table, places: Sequence[int], out: Path) -> None:
    gone = rows.take(pa.array(places, pa.int64()))
    by_part: dict[str, list[int]] = {}
    for part, row in zip(gone["part"].to_pylist(), gone["row"].to_pylist(), strict=True):
        by_part.setdefault(part, []).append(row)
    sizes = Counter(rows["part"].to_pylist())
    empty = [part for part, numbers in by_part.items() if len(numbers) == sizes[part]]
    parts.remove(out, empty)
    for part in by_part.keys() - set(empty):
        parts.drop_rows(out, part, by_part[part])
