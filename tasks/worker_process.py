"""What runs in a worker's process: jobs come in, finished work and signs of life go out."""

from __future__ import annotations

import logging
import os
import pickle
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

from data.plan import Plan
from tasks.lineage import lineage_of
from tasks.progress import progress
from tasks.reconstruct_units import reconstruct_units
from tasks.run import Work, one_line

logger = logging.getLogger(__name__)

_BEAT_S = 0.2
"""Signs of life are not sent more often."""
_IDLE_S = 600
"""Without work for so long, the process ends: on a cluster's machine nobody else tells it that a run is over."""


def main(connection: Connection, threads: int) -> None:
    """Answer the requests that come through the connection until its other end closes, or none comes any more."""
    import torch

    torch.set_num_threads(threads)
    reporter = _Reporter(connection)
    progress.set(reporter)
    logger = logging.getLogger("tasks")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [_Relay(reporter)]
    requests: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(connection, requests), daemon=True).start()
    while True:
        try:
            request = requests.get(timeout=_IDLE_S)
        except queue.Empty:
            os._exit(0)  # the thread that listens would keep the process
        _answer(request, reporter)


def _listen(connection: Connection, requests: queue.SimpleQueue[tuple[Any, ...]]) -> None:
    try:
        while True:
            requests.put(connection.recv())
    except (EOFError, OSError):  # who gave the work is gone, and with it who would want the answer
        os._exit(1)


def _answer(request: tuple[Any, ...], reporter: _Reporter) -> None:
    kind, *content = request
    try:
        if kind == "lineage":
            reporter.send("answer", lineage_of(*content))
        else:
            for works in reconstruct_units(content[0], reporter):
                reporter.send("answer", works)
    except Exception as error:
        logger.debug("a worker's request failed", exc_info=True)
        reporter.send("error", _portable(error))
    else:
        reporter.send("done")


def _portable(error: Exception) -> Exception:
    """The error, or what it says where it cannot be sent to another process."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(one_line(error))
    return error


class _Reporter:
    """Sends what happens; a tasks.progress.Progress and a tasks.job.Watch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._sent = 0.0

    def send(self, *message: Any) -> None:
        """From any thread."""
        with self._lock:
            self._connection.send(message)

    def planned(self, plan: Plan) -> None:
        """Nothing: who gave the work has made the plan."""

    def started(self, photos: int) -> None:
        """Nothing: who gave the work knows how much there is."""

    def step(self, what: str, done: int, total: int) -> None:
        """A sign of life."""
        if time.monotonic() - self._sent > _BEAT_S:
            self._sent = time.monotonic()
            self.send("step", what, done, total)

    def finished(self, work: Work) -> None:
        """Nothing: finished work is sent whole."""

    def heading(self, what: str) -> None:
        """A worker knows of nothing longer than its shard."""

    def counted(self, statuses: Mapping[str, int]) -> None:
        """Nothing: who gave the work counts it."""

    def entered(self, stage: str, units: Sequence[str]) -> None:
        """Of tasks.job.Watch."""
        self.send("entered", stage, list(units))

    def left(self, stage: str, units: Sequence[str]) -> None:
        """Of tasks.job.Watch."""
        self.send("left", stage, list(units))


class _Relay(logging.Handler):
    """Sends records, stack traces included."""

    def __init__(self, reporter: _Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def emit(self, record: logging.LogRecord) -> None:
        self._reporter.send("log", record.name, record.levelno, self.format(record))
