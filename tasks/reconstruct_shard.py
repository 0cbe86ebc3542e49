"""A shard -> its part files."""

from __future__ import annotations

import platform
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.plan import Shard
from tasks.job import Job
from tasks.lineage import Lineage, lineage_of
from tasks.machine import Wishes, limits_here
from tasks.progress import current
from tasks.reconstruct_units import reconstruct_units
from tasks.reconstruct_video import video_run
from tasks.run import Run, Work
from tasks.supervision import supervised
from tasks.worker import UnusableWorkerError, Worker, workers
from tasks.write_rows import write_rows


class OtherLineageError(UnusableWorkerError):
    """Results here would not be those that were planned, and the next run would compute them again."""


@dataclass(frozen=True)
class Written:
    """What came of a shard."""

    shard: str
    statuses: Counter[str]
    """How many rows have each status."""
    parts: tuple[Path, ...]


@task(
    name="reconstruct shard",
    task_run_name="shard {shard}",
    tags=["accelerator"],
    cache_policy=NO_CACHE,
    persist_result=False,
)
def reconstruct_shard(shard: Shard, run: Run, wishes: Wishes | None) -> Written:
    """Reconstruct the units and write their rows. With wishes, a process of its own does the work: a unit that takes
    more than they allow, or ends the process, is a row that says so.

    Raises what loading models raises, OtherLineageError, and OSError where nothing can be written.
    """
    run = video_run(run) if shard.videos else run
    if wishes is None:
        lineage = _planned(lineage_of(run, shard.videos), shard)
        works = compute(shard, run)
    else:
        with workers.lease(limits_here(wishes)) as worker:
            lineage = _lineage(worker, run, shard)
            works = supervised(shard, run, worker)
    paths = write_rows(works, shard.id, run, lineage)
    statuses = Counter(work.columns["status"] for work in works)
    return Written(shard.id, statuses, tuple(paths))


def compute(shard: Shard, run: Run) -> list[Work]:
    """The shard's finished work, made in this process."""
    listener = current()
    works = []
    for batch in reconstruct_units(Job(shard.units, run)):
        works += batch
        for work in batch:
            listener.finished(work)
    return works


def _lineage(worker: Worker, run: Run, shard: Shard) -> Lineage:
    """The worker's, which may have loaded its models before they, or the program, were changed: then it does anew."""
    try:
        return _planned(worker.lineage(run, shard.videos), shard)
    except OtherLineageError:
        worker.close()
        return _planned(worker.lineage(run, shard.videos), shard)


def _planned(lineage: Lineage, shard: Shard) -> Lineage:
    """The lineage, if it is the one that the shard's plan was made for. Raises OtherLineageError."""
    if any(lineage.result_key(content) != key for content, key in zip(shard.contents, shard.keys, strict=True)):
        raise OtherLineageError(
            f"{platform.node()} has other models, or another version of the program, than those that the run was "
            "planned with: make them the same everywhere; the same command goes on"
        )
    return lineage
