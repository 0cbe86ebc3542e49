"""The process that works: its limits, its deaths, and that it stays for the next job."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from data.collections import Unit
from ganfit_core.methods import METHODS
from tasks.job import Job
from tasks.run import Run
from tasks.worker import Limits, UnusableWorkerError, Worker, WorkerDied, Workers, WorkersClosedError
from tests.tasks import working

LIMITS = Limits(unit_seconds=2, memory_gib=0.5, threads=1)
RUN = Run(Path("out"), "laptop", METHODS["fast"], None, False, 0, "key", "photos")


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One whose process does what the units' names say."""
    made = Worker(LIMITS, working.main)
    yield made
    made.retire()


def job(*names: str) -> Job:
    """Of units with these names."""
    return Job([Unit(name, Path(name)) for name in names], RUN)


def done(worker: Worker, *names: str) -> list[Any]:
    """Finished work."""
    return [work for batch in worker.works(job(*names)) for work in batch]


def test_a_process_stays_for_the_next_job(worker: Worker) -> None:
    first, second = done(worker, "a", "b")
    (third,) = done(worker, "c")
    assert first.columns["pid"] == second.columns["pid"] == third.columns["pid"] != os.getpid()


def test_a_unit_that_hangs_is_the_culprit_and_what_was_done_before_stays(worker: Worker) -> None:
    started = time.monotonic()
    works = worker.works(job("a", "hangs", "b"))
    assert next(works)[0].unit.unit_id == "a"
    with pytest.raises(WorkerDied, match="took longer than 2 s") as death:
        next(works)
    assert (death.value.culprit, death.value.stages) == ("hangs", {"hangs": "read"})
    assert time.monotonic() - started < 20
    assert len(done(worker, "b")) == 1


def test_a_unit_that_eats_memory_ends_its_process(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match=r"took more than 0.5 GiB of memory") as death:
        done(worker, "eats")
    assert (death.value.culprit, death.value.stages) == (None, {"eats": "read"})


def test_a_unit_of_which_one_face_is_written_is_still_watched_while_another_is_fitted(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="took longer than 2 s") as death:
        done(worker, "two faces")
    assert (death.value.culprit, death.value.stages) == ("two faces", {"two faces": "fit"})


def test_a_time_in_which_all_stood_still_is_counted_against_nobody(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(worker, "a")
    asleep = threading.Event()
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 3600 * asleep.is_set())
    threading.Timer(0.5, asleep.set).start()
    (work,) = done(worker, "naps")
    assert asleep.is_set()
    assert work.ok


def test_a_process_that_is_killed_says_what_it_had_in_hand(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="signal 9, as when the system runs out of memory") as death:
        done(worker, "a", "dies")
    assert death.value.stages == {"dies": "read"}


def test_a_fit_may_take_long_while_it_gives_signs_of_life(worker: Worker) -> None:
    (work,) = done(worker, "fits long")
    assert work.ok


def test_warnings_come_to_the_log_of_the_run(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="tasks"):
        done(worker, "logs")
    assert [record.getMessage() for record in caplog.records] == ["logs: something is odd"]


@pytest.mark.parametrize("deaths", [0, 1, 2])
def test_a_process_that_dies_while_it_loads_models_is_started_again(
    worker: Worker, tmp_path: Path, deaths: int
) -> None:
    for number in range(deaths):
        (tmp_path / str(number)).touch()
    assert worker.lineage(dataclasses.replace(RUN, out=tmp_path), videos=False) == "loaded"


def test_a_process_that_always_dies_while_it_loads_models_ends_the_run(worker: Worker, tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / str(number)).touch()
    with pytest.raises(UnusableWorkerError, match=r"models cannot be loaded: 3 times a process ended .* signal 9"):
        worker.lineage(dataclasses.replace(RUN, out=tmp_path), videos=False)
    assert len(list(tmp_path.iterdir())) == 1


def test_what_would_stop_any_unit_is_raised_and_the_process_stays(worker: Worker) -> None:
    (before,) = done(worker, "a")
    with pytest.raises(OSError, match="No space left"):
        done(worker, "disk full")
    (after,) = done(worker, "a")
    assert before.columns["pid"] == after.columns["pid"]


def test_workers_are_lent_again_and_end_with_their_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker.__init__, "__defaults__", (working.main,))
    with Workers() as workers:
        with workers.lease(LIMITS) as first, workers.lease(LIMITS) as second:
            assert first is not second
            pids = [done(worker, "a")[0].columns["pid"] for worker in (first, second)]
        with workers.lease(LIMITS) as again:
            assert again in (first, second)
            assert done(again, "a")[0].columns["pid"] in pids
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids)
    with pytest.raises(WorkersClosedError):
        done(first, "a")
    with pytest.raises(WorkersClosedError), workers.lease(LIMITS):
        pass


def test_a_run_that_ended_while_a_worker_was_lent_leaves_none_that_cannot_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker.__init__, "__defaults__", (working.main,))
    workers = Workers()
    with contextlib.ExitStack() as shard:
        with workers:
            worker = shard.enter_context(workers.lease(LIMITS))
            works = worker.works(job("a", "hangs"))
            next(works)
        with pytest.raises(WorkersClosedError):
            next(works)
    with workers, workers.lease(LIMITS) as another:
        assert done(another, "a")[0].ok


def test_a_worker_that_is_retired_while_it_starts_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(LIMITS, working.main)
    process = multiprocessing.get_context("spawn").Process
    start, pids = process.start, []

    def start_meanwhile(self: Any) -> None:
        retiring.start()
        retiring.join(0.5)
        start(self)
        pids.append(self.pid)

    retiring = threading.Thread(target=worker.retire)
    monkeypatch.setattr(process, "start", start_meanwhile)
    with pytest.raises(WorkersClosedError):
        done(worker, "a")
    retiring.join()
    assert len(pids) == 1
    assert not psutil.pid_exists(pids[0])


@pytest.mark.parametrize("seen", ["1", None])
def test_a_worker_that_sees_other_gpus_is_not_lent(monkeypatch: pytest.MonkeyPatch, seen: str | None) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with Workers() as workers:
        with workers.lease(LIMITS) as first:
            pass
        with workers.lease(LIMITS) as again:
            assert again is first
        if seen:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
        else:
            monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
        with workers.lease(LIMITS) as other:
            assert other is not first


def test_a_process_is_deaf_to_interrupts_from_its_first_instant() -> None:
    code = (
        "from tests.tasks.test_worker import *\n"
        "import signal\n"
        "worker = Worker(LIMITS, working.main)\n"
        "print(done(worker, 'a')[0].columns['deaf'], signal.pthread_sigmask(signal.SIG_BLOCK, ()))\n"
        "worker.retire()"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert finished.stdout == "True set()\n", finished.stderr


def test_a_process_without_work_ends_by_itself() -> None:
    code = (
        "import multiprocessing; from tasks import worker_process\n"
        "worker_process._IDLE_S = 0.1\n"
        "here, there = multiprocessing.Pipe()\n"
        "worker_process.main(there, 1)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stderr


def test_a_worker_ends_with_the_process_that_gave_it_work() -> None:
    code = (
        "import os, signal; from tests.tasks.test_worker import *\n"
        "worker = Worker(LIMITS, working.main)\n"
        "connection = worker._start()\n"
        "print(worker.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    process = int(finished.stdout)
    deadline = time.monotonic() + 60
    while psutil.pid_exists(process):
        assert time.monotonic() < deadline, "an orphan"
        time.sleep(0.1)
