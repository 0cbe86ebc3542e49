"""What `ganfit run` and `ganfit status` say of a folder of results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow
import pyarrow.compute

from data import lock, parts, plan, tables
from data.plan import Plan
from data.schemas import PARTITIONS

_COMMONEST = 5
"""Reasons that are told of each status."""


def plan_report(made: Plan) -> str:
    """What a run is going to do, for a terminal."""
    done = made.units - made.missing
    lines = [f"{made.units} units: {done} done, {made.missing} to compute in {len(made.shards)} shards"]
    lines += [f"  {number} {reason}" for reason, number in made.reasons.most_common()]
    if made.gone:
        lines.append(f"  rows of {made.gone} units that are not there any more: --prune removes them")
    return "\n".join(lines)


def status_report(out: Path) -> str:
    """What the table `reconstructions` holds, by method and collection, what is missing, and who writes.

    Raises FileNotFoundError for a folder that no run has written to.
    """
    if not any((out / name).exists() for name in (tables.RECONSTRUCTIONS, plan.PLANS)):
        raise FileNotFoundError(f"{out} holds no results")
    lines = [f"{holder} is writing" for holder in [lock.holder(out)] if holder]
    sound, damaged = parts.survey(out, tables.RECONSTRUCTIONS)
    size = sum(part.bytes for part in sound) / 2**20
    lines.append(f"reconstructions: {sum(part.rows for part in sound)} rows in {len(sound)} parts, {size:.1f} MiB")
    lines += [f"  damaged: {part.path}: {part.reason}; the next run makes its rows again" for part in damaged]
    lines += _partitions(out, [part.path for part in sound])
    return "\n".join(lines)


def _partitions(out: Path, names: list[str]) -> Iterator[str]:
    folders = sorted({str(Path(name).parent) for name in names})
    for folder in folders:
        rows = parts.columns_of(
            out,
            [name for name in names if str(Path(name).parent) == folder],
            ["collection", "collection_key", "unit_id", "status", "reason", "result_key"],
        )
        partition = tables.partition_of(out, tables.RECONSTRUCTIONS, out / folder / "part")
        for key in sorted({key or "" for key in rows["collection_key"].to_pylist()}):
            own = rows.filter(pyarrow.compute.equal(pyarrow.compute.fill_null(rows["collection_key"], ""), key))
            yield from _collection(out, partition, key, own)


def _collection(out: Path, partition: tuple[str, ...], key: str, rows: pyarrow.Table) -> Iterator[str]:
    columns = {name: rows[name].to_pylist() for name in rows.column_names}
    names = ", ".join(f"{name} {value}" for name, value in zip(PARTITIONS["reconstructions"], partition, strict=True))
    yield f"{columns['collection'][0]} ({key or 'of an older version'}): {names}"
    reasons: dict[str, Counter[str]] = {}
    for status, reason in zip(columns["status"], columns["reason"], strict=True):
        reasons.setdefault(status, Counter()).update([reason] if reason else [])
    counts = Counter(columns["status"])
    for status, number in counts.most_common():
        yield f"  {number} {status}"
        if status != "ok":
            yield from (f"    {times} {reason}" for reason, times in reasons[status].most_common(_COMMONEST))
    planned = plan.stored(plan.path(out, key, partition))
    if planned is not None:
        have = set(zip(columns["unit_id"], columns["result_key"], strict=True))
        want = zip(planned["unit_id"].to_pylist(), planned["result_key"].to_pylist(), strict=True)
        yield f"  {sum(pair not in have for pair in want)} of {len(planned)} planned units missing"
