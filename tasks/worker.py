"""A process of its own that reconstructs units, because some of them hang, exhaust memory or end the process."""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, Self

import psutil

from tasks.job import FINDING, Job
from tasks.progress import current
from tasks.run import Run, Work

if TYPE_CHECKING:
    from tasks.lineage import Lineage

logger = logging.getLogger(__name__)

DEATHS = 3
"""A worker that dies so often without any unit in hand cannot work here at all."""
_POLL_S = 0.1
_PAUSE_S = 10 * _POLL_S
"""Who looks less often was itself held up: by Ctrl-Z, or with the whole machine."""
_VIDEO_PATIENCE = 10
"""A video may be silent for so many times as long as a photograph."""


def _main(connection: Connection, threads: int) -> None:
    """In the worker's process; what takes seconds to import is imported there alone."""
    from tasks import worker_process

    worker_process.main(connection, threads)


@dataclass(frozen=True)
class Limits:
    """What a unit may take before it is given up."""

    unit_seconds: float
    """For reading and searching a photograph, and without a sign of life from a fit."""
    memory_gib: float
    """Resident memory of the process, models included."""
    threads: int
    """Threads of a process."""


class WorkerDied(Exception):
    """The process ended, or was ended, before its job did.

    ``stages`` says what was worked on: unit id -> stage. ``reason`` is fit for a table; ``culprit`` is the unit that is
    known to have caused it, where one is.
    """

    def __init__(self, reason: str, stages: dict[str, str], culprit: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.stages, self.culprit = reason, stages, culprit


class UnusableWorkerError(RuntimeError):
    """Worker processes end before they begin with any unit."""


class WorkersClosedError(RuntimeError):
    """Work was asked of a worker after its run had ended."""


@dataclass
class _Watched:
    """What the process was last heard to do."""

    heard: dict[tuple[str, str], float] = field(default_factory=dict)
    """(unit, stage) that is being worked on -> when it began, or last gave a sign of life; of reading, searching and
    aligning, when the unit was begun with."""

    @property
    def stages(self) -> dict[str, str]:
        """Unit -> the stage that it entered last, of the units that are being worked on."""
        return dict(self.heard.keys())  # of pairs

    def entered(self, stage: str, units: list[str]) -> None:
        now = time.monotonic()
        for unit in units:
            self.heard[unit, stage] = self._forget(stage, unit, now)

    def left(self, stage: str, units: list[str]) -> None:
        for unit in units:
            self._forget(stage, unit, 0)

    def beat(self) -> None:
        """The fit, or the video, goes on."""
        now = time.monotonic()
        self.heard |= {place: now for place in self.heard if place[1] in ("fit", "video")}

    def excuse(self, seconds: float, now: float) -> None:
        """Nobody is blamed for a time in which nobody looked."""
        self.heard = {place: min(now, heard + seconds) for place, heard in self.heard.items()}

    def overdue(self, limits: Limits, now: float) -> tuple[str, str] | None:
        """A unit, and its stage, that takes too long."""
        for (unit, stage), heard in self.heard.items():
            patience = _VIDEO_PATIENCE if stage in ("video", "export") else 1
            if now - heard > patience * limits.unit_seconds:
                return unit, stage
        return None

    def _forget(self, stage: str, unit: str, default: float) -> float:
        """Take the unit out of the stage, or all of FINDING; since when it was there."""
        stages = FINDING if stage in FINDING else (stage,)
        return min([self.heard.pop((unit, name)) for name in stages if (unit, name) in self.heard], default=default)


class Worker:
    """The process, seen from the one that gives it work. It starts with the first job, and again after it died."""

    def __init__(self, limits: Limits, target: Callable[[Connection, int], None] = _main) -> None:
        self._limits = limits
        self._target = target
        self._process: Any = None
        self._connection: Connection | None = None
        self._enforced = 0.0
        self._lock = threading.Lock()
        """Held to start the process and to end it, which another thread may want at the same time."""
        self._retired = False

    @property
    def pid(self) -> int | None:
        """Of the process, while it lives."""
        return self._process.pid if self._process is not None else None

    def lineage(self, run: Run, videos: bool) -> Lineage:
        """What the process' results depend on. Raises what loading the models raises, and UnusableWorkerError."""
        for _ in range(DEATHS):
            try:
                (lineage,) = self._answers(("lineage", run, videos))
            except WorkerDied as death:
                logger.warning("a worker that was loading models %s", death.reason)
                last = death
            else:
                return lineage
        raise UnusableWorkerError(f"models cannot be loaded: {DEATHS} times a process {last.reason}")

    def works(self, job: Job) -> Iterator[list[Work]]:
        """Finished work, as it is done. Raises WorkerDied, and what tasks.reconstruct_units raises."""
        yield from self._answers(("job", job))

    def retire(self) -> None:
        """End the process for good, whatever it does for whichever thread."""
        with self._lock:
            self._retired = True
            self._kill()  # the connection belongs to the thread that listens to it

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._kill()
            self._process = None
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _answers(self, request: tuple[Any, ...]) -> Iterator[Any]:
        watched, listener = _Watched(), current()
        finished = False
        try:
            connection = self._start()
            self._send(connection, request, watched)
            while True:
                kind, *content = self._receive(connection, watched)
                if kind == "answer":
                    yield content[0]
                elif kind == "entered":
                    watched.entered(*content)
                elif kind == "left":
                    watched.left(*content)
                elif kind == "step":
                    watched.beat()
                    listener.step(*content)
                elif kind == "log":
                    name, level, message = content
                    logging.getLogger(name).log(level, "%s", message)
                elif kind == "error":
                    finished = True  # the process is well: it is the request that cannot be met
                    raise content[0]
                elif kind == "done":
                    finished = True
                    return
        finally:
            if not finished:
                self.close()

    def _start(self) -> Connection:
        if self._process is None or not self._process.is_alive():
            self.close()
        with self._lock:
            if self._retired:
                raise WorkersClosedError("the run has ended")
            if self._process is None:
                # Spawned: a fork of a process whose libraries have threads may hang.
                context = multiprocessing.get_context("spawn")
                self._connection, other = context.Pipe()
                process = context.Process(target=self._target, args=(other, self._limits.threads), daemon=True)
                with _deaf_to_interrupts():
                    process.start()
                other.close()
                self._process = process
            assert self._connection is not None
            return self._connection

    def _send(self, connection: Connection, request: tuple[Any, ...], watched: _Watched) -> None:
        try:
            connection.send(request)
        except OSError:
            raise self._died(watched) from None

    def _receive(self, connection: Connection, watched: _Watched) -> tuple[Any, ...]:
        while True:
            try:
                if not connection.poll():  # all that the process has said is heard before a unit is judged
                    self._enforce(watched)
                if connection.poll(_POLL_S):
                    return tuple(connection.recv())
            except (EOFError, OSError):
                raise self._died(watched) from None

    def _enforce(self, watched: _Watched) -> None:
        """End the process when a unit takes too much."""
        now, limits = time.monotonic(), self._limits
        since = now - self._enforced
        if since < _POLL_S:
            return
        self._enforced = now
        if since > _PAUSE_S:
            watched.excuse(since, now)
        if place := watched.overdue(limits, now):
            unit, stage = place
            raise WorkerDied(f"took longer than {limits.unit_seconds:g} s", watched.stages | {unit: stage}, unit)
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(self._process.pid).memory_info().rss > limits.memory_gib * 2**30:
                raise WorkerDied(f"took more than {limits.memory_gib:g} GiB of memory", watched.stages)

    def _died(self, watched: _Watched) -> WorkerDied | WorkersClosedError:
        if self._retired:
            return WorkersClosedError("the run has ended")
        self._process.join(10)
        code = self._process.exitcode
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        hint = ", as when the system runs out of memory" if code == -9 else ""
        return WorkerDied(f"ended the process that worked on it ({how}{hint})", watched.stages)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """A process that starts herein is never interrupted: Ctrl-C goes to every process of a terminal, one answers it."""
    resource_tracker.ensure_running()  # which a process' start does otherwise, and hears interrupts again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_Needs = tuple[Limits, str | None]
"""What a worker was started with: its limits, and the GPUs that it sees."""


class Workers:
    """Processes that wait for work; one thread at a time has each. As a context manager, it ends them at its end."""

    def __init__(self) -> None:
        self._idle: queue.LifoQueue[tuple[_Needs, Worker]] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._all: list[Worker] = []
        self._closed = False

    def __enter__(self) -> Self:
        self._closed = False
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __reduce__(self) -> str:
        """By name: a flow or a task that is sent to another process finds that process' own there."""
        return "workers"

    @contextlib.contextmanager
    def lease(self, limits: Limits) -> Iterator[Worker]:
        """A worker with these limits, a new one when all are busy. Raises WorkersClosedError after the run's end."""
        needs = limits, os.environ.get("CUDA_VISIBLE_DEVICES")  # Ray gives every task a GPU of its own
        worker = self._taken(needs)
        try:
            yield worker
        finally:
            with self._lock:
                if worker in self._all:  # not when it was retired meanwhile
                    self._idle.put((needs, worker))

    def close(self) -> None:
        """End all, those at work included: their jobs raise WorkersClosedError."""
        with self._lock:
            self._closed = True
            for worker in self._all:
                worker.retire()
            self._all.clear()
            self._idle = queue.LifoQueue()

    def _taken(self, needs: _Needs) -> Worker:
        with self._lock:
            if self._closed:  # shards that were waiting for a worker when the run was ended
                raise WorkersClosedError("the run has ended")
            while True:
                try:
                    own, worker = self._idle.get_nowait()
                except queue.Empty:
                    worker = Worker(needs[0])
                    self._all.append(worker)
                    return worker
                if own == needs:
                    return worker
                self._all.remove(worker)
                worker.retire()


workers = Workers()
"""This process' workers: their models stay loaded from one shard to the next."""
atexit.register(workers.close)
