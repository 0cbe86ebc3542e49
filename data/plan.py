"""What a run has to compute: units without rows of these contents, settings, models and code."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from data.collections import Collection, Kind, Unit, kind_of
from data.files import replace
from data.parts import Damaged

PLANS = "plans"
ROW_COLUMNS = ("collection_key", "unit_id", "content_sha256", "result_key", "status", "mesh", "overlay", "created_at")
"""Columns of `reconstructions` that a plan is made from."""
NEW, CHANGED, OUTDATED, FAILED, WITHOUT_FILES, UNREADABLE, AGAIN = (
    "new",
    "changed",
    "of other settings, models or code",
    "failed before",
    "without files",
    "unreadable before",
    "asked for again",
)
"""Why a unit is computed."""

_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("unit_id", "kind", "signature", "content_sha256", "result_key", "shard")]
)


@dataclass(frozen=True)
class Shard:
    """Units of one kind that are computed together and become one part file."""

    id: str
    """Hash of the collection's key and the units' names and result keys."""
    units: tuple[Unit, ...]
    contents: tuple[str | None, ...]
    """Hash of each one's content; None where it could not be read."""
    keys: tuple[str | None, ...] = ()
    """Key of the result that is wanted of each; empty where no plan was made."""

    @property
    def videos(self) -> bool:
        """Whether the units are videos."""
        return self.units[0].kind == "video"

    def __str__(self) -> str:
        return self.id


@dataclass(frozen=True)
class Demand:
    """What is asked of a run."""

    result_key: Callable[[str, str | None], str | None]
    """(kind, content's hash) -> the key of the result that is wanted; None where the content is unknown."""
    shard_size: int
    again: bool = False
    """Compute all units, whatever is there."""
    retry_failed: bool = False
    """Compute units again whose status is failed."""
    file: str | None = None
    """Column, "mesh" or "overlay", that a row which is ok has to have."""


@dataclass(frozen=True)
class Plan:
    """What a run does."""

    shards: list[Shard]
    reasons: Counter[str]
    """Why units are computed -> how many are."""
    units: int
    """Of the collection."""
    gone: int
    """Units that have rows and are not in the collection any more."""
    table: pa.Table
    """Every unit's content, wanted result and shard, for the next plan."""
    damaged: tuple[Damaged, ...] = ()
    """Part files whose rows could not be read, and are computed again."""

    @property
    def wanted(self) -> dict[str, str | None]:
        """Unit -> key of the result that is wanted."""
        return dict(zip(self.table["unit_id"].to_pylist(), self.table["result_key"].to_pylist(), strict=True))

    @property
    def missing(self) -> int:
        """Units to compute."""
        return sum(len(shard.units) for shard in self.shards)


@dataclass(frozen=True)
class _Wanted:
    unit: Unit
    content: str | None
    key: str | None


def path(out: Path, collection_key: str, partition: Sequence[str]) -> Path:
    """Where the plan of a collection and a method is kept."""
    return out / PLANS / f"{collection_key}-{'-'.join(partition)}.parquet"


def make_plan(
    collection: Collection, contents: Mapping[str, str | None], rows: pa.Table, earlier: pa.Table | None, demand: Demand
) -> Plan:
    """Compare a collection with the rows that are there.

    ``contents`` has the hash of every unit's content by unit_id, ``rows`` the columns ROW_COLUMNS of the rows of the
    method, ``earlier`` the plan that was stored last. Shards of the earlier plan whose units are still all missing are
    kept as they are, so that a run which was ended goes on with the same batches.
    """
    wanted = [_wanted(unit, contents[unit.unit_id], demand) for unit in collection.units]
    present = _present(rows, collection.key, {each.unit.unit_id: each.key for each in wanted})
    missing: dict[str, _Wanted] = {}
    reasons: Counter[str] = Counter()
    for each in wanted:
        if reason := _reason(each, present.get(each.unit.unit_id), demand):
            missing[each.unit.unit_id] = each
            reasons[reason] += 1
    assigned = _assigned(earlier)
    groups = list(_groups(missing, {} if demand.again else assigned, demand.shard_size))
    shards = [_shard(group, collection.key) for group in groups]
    shard_of = {unit_id: shard for unit_id, (shard, _) in assigned.items()}
    shard_of |= {unit.unit_id: shard.id for shard in shards for unit in shard.units}
    return Plan(
        shards,
        reasons,
        units=len(wanted),
        gone=len(present.keys() - {each.unit.unit_id for each in wanted}),
        table=pa.table(
            [
                [each.unit.unit_id for each in wanted],
                [each.unit.kind for each in wanted],
                [each.unit.signature for each in wanted],
                [each.content for each in wanted],
                [each.key for each in wanted],
                [shard_of.get(each.unit.unit_id) for each in wanted],
            ],
            schema=_SCHEMA,
        ),
    )


def stored(path: Path) -> pa.Table | None:
    """The plan that was stored last; None without a readable one, which costs no more than hashing all files anew."""
    try:
        return pyarrow.parquet.read_table(path, schema=_SCHEMA)
    except (OSError, pa.ArrowException):
        return None


def store(plan: Plan, path: Path) -> None:
    """Keep the plan for the next run. Raises OSError where it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, lambda file: pyarrow.parquet.write_table(plan.table, file, compression="zstd"))


def known_contents(earlier: pa.Table | None, units: Sequence[Unit]) -> dict[str, str]:
    """The contents of those units whose signature is that of the earlier plan."""
    if earlier is None:
        return {}
    columns = (earlier[name].to_pylist() for name in ("unit_id", "signature", "content_sha256"))
    before = {unit_id: (signature, content) for unit_id, signature, content in zip(*columns, strict=True)}
    known = {}
    for unit in units:
        signature, content = before.get(unit.unit_id, (None, None))
        if content is not None and signature is not None and signature == unit.signature:
            known[unit.unit_id] = content
    return known


def superseded(
    rows: pa.Table, collection_key: str, wanted: Mapping[str, str | None], prune: Sequence[Kind] = ()
) -> list[int]:
    """Places, in ``rows``, of the rows of a collection to which there are better ones.

    Of a unit, the rows of one part are kept: those with the wanted result key before others, those of a content that
    could be read before others, and then the latest. ``prune`` gives up rows of units of these kinds that have no
    wanted key because they are not in the collection any more.
    """
    names = ("collection_key", "unit_id", "content_sha256", "result_key", "created_at", "part")
    columns = (rows[name].to_pylist() for name in names)
    own = [
        (place, unit_id, part, (key is not None and key == wanted.get(unit_id), content is not None, created, part))
        for place, (owner, unit_id, content, key, created, part) in enumerate(zip(*columns, strict=True))
        if owner == collection_key
    ]
    best: dict[str, tuple[Any, ...]] = {}
    for _, unit_id, _, rank in own:
        if unit_id not in best or rank > best[unit_id]:
            best[unit_id] = rank
    return [
        place
        for place, unit_id, part, rank in own
        if (unit_id not in wanted and (kind_of(unit_id, ("photo", "video")) or "photo") in prune)
        or rank[:2] != best[unit_id][:2]
        or part != best[unit_id][3]
    ]


def _wanted(unit: Unit, content: str | None, demand: Demand) -> _Wanted:
    return _Wanted(unit, content, demand.result_key(unit.kind, content))


@dataclass
class _Present:
    """The rows of a unit, by preference those of the wanted result."""

    content: str | None
    key: str | None
    statuses: set[str]
    lacking: set[str]
    """Columns of files that one of the rows which are ok does not have."""


def _present(rows: pa.Table, collection_key: str, keys: Mapping[str, str | None]) -> dict[str, _Present]:
    names = ("collection_key", "unit_id", "content_sha256", "result_key", "status", "mesh", "overlay")
    present: dict[str, _Present] = {}
    for owner, unit_id, content, key, status, mesh, overlay in zip(
        *(rows[name].to_pylist() for name in names), strict=True
    ):
        if owner != collection_key:
            continue
        before = present.get(unit_id)
        if before is None or (key == keys.get(unit_id) != before.key):
            before = present[unit_id] = _Present(content, key, set(), set())
        if key == before.key:
            before.statuses.add(status)
            if status == "ok":
                before.lacking |= {name for name, file in (("mesh", mesh), ("overlay", overlay)) if file is None}
    return present


def _reason(wanted: _Wanted, present: _Present | None, demand: Demand) -> str | None:
    """Why a unit has to be computed; None where its rows are there.

    What was read before and cannot be now is left alone: the disk that it lies on may not be mounted.
    """
    if present is None:
        return NEW
    if demand.again:
        return AGAIN
    if present.content is None:
        return UNREADABLE
    if wanted.content is None:
        return None
    if present.content != wanted.content:
        return CHANGED
    if present.key != wanted.key:
        return OUTDATED
    if demand.retry_failed and "failed" in present.statuses:
        return FAILED
    if demand.file in present.lacking:
        return WITHOUT_FILES
    return None


def _assigned(earlier: pa.Table | None) -> dict[str, tuple[str, str | None]]:
    """Unit -> shard and wanted result key of the earlier plan."""
    if earlier is None:
        return {}
    columns = (earlier[name].to_pylist() for name in ("unit_id", "shard", "result_key"))
    return {unit_id: (shard, key) for unit_id, shard, key in zip(*columns, strict=True) if shard is not None}


def _groups(
    missing: Mapping[str, _Wanted], assigned: Mapping[str, tuple[str, str | None]], size: int
) -> Iterator[list[_Wanted]]:
    """The units of each shard: first the shards of the earlier plan that nothing has come of, then new ones."""
    of_shard: defaultdict[str, list[str]] = defaultdict(list)
    for unit_id, (shard, _) in assigned.items():
        of_shard[shard].append(unit_id)
    left = dict(missing)
    for members in of_shard.values():
        untouched = all(unit_id in missing and missing[unit_id].key == assigned[unit_id][1] for unit_id in members)
        if untouched and len(members) <= size:
            yield [left.pop(unit_id) for unit_id in members]
    photographs = [each for each in left.values() if each.unit.kind == "photo"]
    for start in range(0, len(photographs), size):
        yield photographs[start : start + size]
    for each in left.values():
        if each.unit.kind == "video":  # minutes of work each
            yield [each]


def _shard(group: Sequence[_Wanted], collection_key: str) -> Shard:
    name = json.dumps([collection_key, [[each.unit.unit_id, each.key] for each in group]])
    return Shard(
        hashlib.sha256(name.encode()).hexdigest()[:16],
        tuple(each.unit for each in group),
        tuple(each.content for each in group),
        tuple(each.key for each in group),
    )
