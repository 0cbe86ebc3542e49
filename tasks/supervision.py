"""Getting a shard done although some of its units hang, exhaust memory or end the process that works on them."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Sequence

from data.collections import Unit
from data.plan import Shard
from tasks.job import Job
from tasks.progress import current
from tasks.run import Run, Work
from tasks.worker import DEATHS, UnusableWorkerError, Worker, WorkerDied

logger = logging.getLogger(__name__)

_STAGES = {"video": "fit"}
"""What the table calls a stage."""


def supervised(shard: Shard, run: Run, worker: Worker) -> list[Work]:
    """The shard's finished work, one piece for each unit at least, whatever the units do to the worker.

    Who takes too long is given up at once. When the process dies of something else, all that was in hand is suspect:
    what was being read or searched is tried alone, what was being fitted is fitted again as it was, and alone after a
    second death. A unit is given up when the process dies of it alone, and not for the first time: a process may also
    be ended from outside.

    Finished work is kept, and what is left forms the batches that it would have formed without the death, since
    batches are finished in order: the results are the same to the bit.

    Raises UnusableWorkerError for one that dies with nothing in hand, and what ``Worker.works`` raises but WorkerDied.
    """
    listener = current()
    state = _State(shard, run)
    while job := state.next_job():
        try:
            for batch in worker.works(job):
                state.works += batch
                for work in batch:
                    listener.finished(work)
        except WorkerDied as death:
            for work in state.learn(job, death):
                listener.finished(work)
    return state.works


class _State:
    """What is finished, and whom the deaths so far point at."""

    def __init__(self, shard: Shard, run: Run) -> None:
        self.works: list[Work] = []
        self._shard, self._run = shard, run
        self._given_up: set[str] = set()
        self._deaths: Counter[str] = Counter()
        self._idle_deaths = 0
        self._to_probe: deque[str] = deque()

    def next_job(self) -> Job | None:
        """What to try next; None when all is done."""
        left = self._left()
        if not left:
            return None
        by_id = {unit.unit_id: unit for unit in left}
        while self._to_probe:
            unit = by_id.get(self._to_probe.popleft())
            if unit is not None:
                return Job((), self._run, probed=(unit,))
        alone = next((unit for unit in left if self._deaths[unit.unit_id] > 1), None)
        units = left if alone is None else [alone]
        wanted = {unit.unit_id for unit in units}
        return Job(units, self._run, frozenset(work.name for work in self.works if work.unit.unit_id in wanted))

    def learn(self, job: Job, death: WorkerDied) -> list[Work]:
        """Draw the conclusions from a death; work on the units that are given up."""
        logger.warning("%s: %s", ", ".join(death.stages) or "no unit in hand", death.reason)
        if not death.stages:
            self._idle_deaths += 1
            if self._idle_deaths == DEATHS:
                raise UnusableWorkerError(f"no work can be done: {DEATHS} times a process {death.reason}")
            return []
        if death.culprit is not None:
            return [self._give_up(death.culprit, death)]
        self._deaths.update(list(death.stages))  # a mapping would be taken for counts
        tried = [*job.units, *job.probed]
        if len(tried) == 1 and self._deaths[tried[0].unit_id] > 1:
            return [self._give_up(tried[0].unit_id, death)]
        self._to_probe.extend(
            unit_id
            for unit_id, stage in death.stages.items()
            if stage in ("read", "detect", "align") and self._deaths[unit_id] == 1
        )
        return []

    def _left(self) -> list[Unit]:
        """Units that lack a piece of work; how many they become is known from the first on."""
        pieces: defaultdict[str, list[Work]] = defaultdict(list)
        for work in self.works:
            pieces[work.unit.unit_id].append(work)
        return [unit for unit in self._shard.units if self._lacks_work(unit, pieces[unit.unit_id])]

    def _lacks_work(self, unit: Unit, pieces: Sequence[Work]) -> bool:
        if unit.unit_id in self._given_up:
            return False
        return not pieces or len(pieces) < pieces[0].siblings

    def _give_up(self, unit_id: str, death: WorkerDied) -> Work:
        self._given_up.add(unit_id)
        (place,) = (place for place, unit in enumerate(self._shard.units) if unit.unit_id == unit_id)
        columns = {
            "status": "failed",
            "stage": _STAGES.get(death.stages[unit_id], death.stages[unit_id]),
            "reason": death.reason,
            "content_sha256": self._shard.contents[place],
        }
        work = Work(self._shard.units[place], columns)
        self.works.append(work)
        return work
