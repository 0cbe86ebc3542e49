"""Who is given up when a worker dies, and that the rest is done as it would have been."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.collections import Unit
from data.plan import Shard
from ganfit_core.methods import METHODS
from tasks.job import Job
from tasks.run import Run, Work
from tasks.supervision import supervised
from tasks.worker import UnusableWorkerError, WorkerDied

BATCH = 2
AHEAD = 2


class FakeWorker:
    """Works as tasks.reconstruct_units does, in batches of BATCH and with AHEAD units searched ahead of them.

    ``searching`` and ``fitting`` name the units of which it dies, and how often; ``slow`` those that take too long.
    """

    def __init__(self, searching: dict[str, int], fitting: dict[str, int], slow: str = "", faces: int = 1) -> None:
        self.searching, self.fitting, self.slow, self.faces = dict(searching), dict(fitting), slow, faces
        self.batches: list[list[tuple[str, int]]] = []
        self.jobs: list[Job] = []

    def works(self, job: Job) -> Iterator[list[Work]]:
        self.jobs.append(job)
        for unit in job.probed:
            self._search([unit.unit_id], [])
        faces = [
            Work(unit, {"status": "ok", "face_index": index}, siblings=self.faces)
            for unit in job.units
            for index in range(self.faces)
        ]
        left = [work for work in faces if work.name not in job.done]
        for start in range(0, len(left), BATCH):
            batch = left[start : start + BATCH]
            fitting = list(dict.fromkeys(work.unit.unit_id for work in batch))
            ahead = [work.unit.unit_id for work in left[start + BATCH : start + BATCH + AHEAD]]
            self._search([*fitting, *ahead], [])
            for name in fitting:
                if self._dies(self.fitting, name):
                    stages = dict.fromkeys(ahead, "read") | dict.fromkeys(fitting, "fit")
                    raise WorkerDied("died of a fit", stages)
            self.batches.append([work.name for work in batch])
            yield batch

    def _search(self, units: list[str], fitting: list[str]) -> None:
        stages = dict.fromkeys(units, "detect")
        for name in units:
            if name == self.slow:
                raise WorkerDied("took longer than 1 s", stages, name)
            if self._dies(self.searching, name):
                raise WorkerDied("died of a search", stages)

    @staticmethod
    def _dies(deaths: dict[str, int], name: str) -> bool:
        deaths[name] = deaths.get(name, 0) - 1
        return deaths[name] >= 0


def run(worker: FakeWorker, units: str = "abcdef") -> list[Work]:
    """The shard's work, in the order of its units."""
    recipe = Run(Path("out"), "laptop", METHODS["fast"], None, False, 0, "key", "photos", BATCH)
    members = tuple(Unit(name, Path(name)) for name in units)
    shard = Shard("id", members, tuple(f"content of {name}" for name in units))
    return sorted(supervised(shard, recipe, worker), key=lambda work: work.name)  # type: ignore[arg-type]


def failed(works: list[Work]) -> dict[str, tuple[Any, Any]]:
    """Stage and reason of the units that were given up."""
    return {work.unit.unit_id: (work.columns["stage"], work.columns["reason"]) for work in works if not work.ok}


ALWAYS = 1000


def test_without_a_death_all_is_done_in_one_job() -> None:
    worker = FakeWorker({}, {})
    works = run(worker)
    assert [work.name for work in works] == [(name, 0) for name in "abcdef"]
    assert len(worker.jobs) == 1


@pytest.mark.parametrize("poison", "abcdef")
def test_a_unit_that_ends_every_process_that_reads_it_is_given_up_alone(poison: str) -> None:
    worker = FakeWorker({poison: ALWAYS}, {})
    works = run(worker)
    assert [work.unit.unit_id for work in works] == list("abcdef")
    assert failed(works) == {poison: ("detect", "died of a search")}
    (given_up,) = (work for work in works if not work.ok)
    assert given_up.columns["content_sha256"] == f"content of {poison}"


@pytest.mark.parametrize("poison", "abcdef")
def test_a_unit_that_ends_every_process_that_fits_it_is_given_up_alone(poison: str) -> None:
    works = run(FakeWorker({}, {poison: ALWAYS}))
    assert [work.unit.unit_id for work in works] == list("abcdef")
    assert failed(works) == {poison: ("fit", "died of a fit")}


def test_several_poisons_in_a_shard_are_all_given_up() -> None:
    works = run(FakeWorker({"a": ALWAYS, "d": ALWAYS}, {"c": ALWAYS}))
    assert [work.unit.unit_id for work in works] == list("abcdef")
    assert failed(works).keys() == set("acd")


@pytest.mark.parametrize("victim", "abcdef")
def test_after_one_death_from_outside_nobody_is_given_up_and_the_batches_stay(victim: str) -> None:
    undisturbed = FakeWorker({}, {})
    run(undisturbed)
    for worker in (FakeWorker({victim: 1}, {}), FakeWorker({}, {victim: 1})):
        assert failed(run(worker)) == {}
        assert worker.batches == undisturbed.batches


def test_a_slow_unit_is_given_up_at_once_and_the_others_are_not_suspected() -> None:
    worker = FakeWorker({}, {}, slow="c")
    works = run(worker)
    assert failed(works) == {"c": ("detect", "took longer than 1 s")}
    assert len(worker.jobs) == 2
    assert not any(job.probed for job in worker.jobs)


def test_of_a_unit_with_several_faces_none_is_done_twice_or_lost() -> None:
    worker = FakeWorker({}, {"c": 1}, faces=3)
    works = run(worker, "abcd")
    assert [work.name for work in works] == [(name, face) for name in "abcd" for face in range(3)]
    undisturbed = FakeWorker({}, {}, faces=3)
    run(undisturbed, "abcd")
    assert worker.batches == undisturbed.batches


def test_a_worker_that_dies_with_nothing_in_hand_cannot_work_here() -> None:
    class Unusable(FakeWorker):
        def works(self, job: Job) -> Iterator[list[Work]]:
            self.jobs.append(job)
            raise WorkerDied("ended with code 1", {})
            yield

    worker = Unusable({}, {})
    with pytest.raises(UnusableWorkerError, match="3 times a process ended with code 1"):
        run(worker)
    assert len(worker.jobs) == 3
