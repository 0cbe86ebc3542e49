"""Photographs and videos -> finished work: what one worker does with one shard."""

from __future__ import annotations

import dataclasses
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

from data.collections import FetchError, Unit, fetched
from tasks.export_faces import export_faces
from tasks.find_faces import find_faces
from tasks.fit_faces import fit_faces
from tasks.job import Job, Unwatched, Watch
from tasks.reconstruct_video import reconstruct_video
from tasks.run import Run, Work

T = TypeVar("T")
R = TypeVar("R")


def reconstruct_units(job: Job, watch: Watch | None = None) -> Iterator[list[Work]]:
    """Finished work, some at a time and in the units' order.

    Faces are fitted in batches that depend on the units alone, not on how fast they are read: threads read and search
    photographs ahead of the fits, and one writes the files of the batch before. What stops a whole run is raised:
    tasks.models' errors, and OSError where nothing can be written any more.
    """
    watch = watch or Unwatched()
    photographs = [unit for unit in job.units if unit.kind == "photo"]
    for unit in job.probed:
        _find(unit, job.run, watch)
    if photographs:
        yield from _reconstruct_photographs(dataclasses.replace(job, units=photographs), watch)
    for unit in job.units:
        if unit.kind == "video":
            watch.entered("video", [unit.unit_id])
            yield [_fetched(unit, lambda local: [reconstruct_video(local, job.run)])[0]]
            watch.left("video", [unit.unit_id])


def _reconstruct_photographs(job: Job, watch: Watch) -> Iterator[list[Work]]:
    threads = torch.get_num_threads()
    with ThreadPoolExecutor(threads) as finders, ThreadPoolExecutor(1) as writer:
        written: Future[list[Work]] | None = None
        try:
            found = _ahead(finders, lambda unit: _find(unit, job.run, watch), job.units, job.run.batch + threads)
            for group in _groups(found, job):
                fitted = _fit(group, job.run, watch)
                if written is not None:
                    yield written.result()
                written = writer.submit(_write, fitted, job.run, watch)
            if written is not None:
                yield written.result()
        finally:  # whatever was raised, what has not begun is not begun any more
            finders.shutdown(wait=False, cancel_futures=True)
            writer.shutdown(wait=False, cancel_futures=True)


def _groups(found: Iterable[list[Work]], job: Job) -> Iterator[list[Work]]:
    """Batches of good work, each with the bad work that was found before it was full."""
    group: list[Work] = []
    good = 0
    for work in itertools.chain.from_iterable(found):
        if work.name in job.done:
            continue
        group.append(work)
        good += work.ok
        if good == job.run.batch:
            yield group
            group, good = [], 0
    if group:
        yield group


def _find(unit: Unit, run: Run, watch: Watch) -> list[Work]:
    def entered(stage: str) -> None:
        watch.entered(stage, [unit.unit_id])

    entered("read")
    found = _fetched(unit, lambda local: find_faces(local, run, entered))
    watch.left("read", [unit.unit_id])
    return found


def _fetched(unit: Unit, reconstruct: Callable[[Unit], list[Work]]) -> list[Work]:
    """What is made of the unit's file, which may have to be brought here first."""
    try:
        with fetched(unit) as local:
            return [dataclasses.replace(work, unit=unit) for work in reconstruct(local)]
    except FetchError as error:
        status = "unreadable" if error.lasting else "failed"
        return [Work(unit, {"status": status, "stage": "read", "reason": error.reason, "content_sha256": None})]


def _fit(group: list[Work], run: Run, watch: Watch) -> list[Work]:
    good = [work for work in group if work.ok]
    if not good:
        return group
    names = [work.unit.unit_id for work in good]
    watch.entered("fit", names)
    fitted = iter(fit_faces(good, run))
    watch.left("fit", names)
    return [next(fitted) if work.ok else work for work in group]


def _write(group: list[Work], run: Run, watch: Watch) -> list[Work]:
    names = [work.unit.unit_id for work in group if work.ok]
    watch.entered("export", names)
    written = export_faces(group, run)
    watch.left("export", names)
    return written


def _ahead(pool: ThreadPoolExecutor, function: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[R]:
    """What the function gives for each item, in order, with so many under way before they are asked for."""
    waiting: deque[Future[R]] = deque()
    for item in items:
        waiting.append(pool.submit(function, item))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
