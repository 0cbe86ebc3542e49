"""A shard -> its part files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from data.plan import Shard
from tasks.job import Job
from tasks.lineage import lineage_of
from tasks.progress import current
from tasks.reconstruct_units import reconstruct_units
from tasks.reconstruct_video import video_run
from tasks.run import Run, Work
from tasks.supervision import supervised
from tasks.worker import Limits, workers
from tasks.write_rows import write_rows


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
def reconstruct_shard(shard: Shard, run: Run, limits: Limits | None) -> Written:
    """Reconstruct the units and write their rows. With limits, a process of its own does the work: a unit that exceeds
    them, or ends the process, is a row that says so.

    Raises what loading models raises, and OSError where nothing can be written.
    """
    run = video_run(run) if shard.videos else run
    if limits is None:
        works, lineage = compute(shard, run), lineage_of(run, shard.videos)
    else:
        with workers.lease(limits) as worker:
            lineage = worker.lineage(run, shard.videos)
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
