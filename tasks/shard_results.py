"""What comes of a run's shards, as they come in."""

from __future__ import annotations

import errno
import logging
from collections import Counter

import httpx
import pyarrow.compute
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.context import FlowRunContext

from data import manifest, tables
from data.assets import AssetError
from data.disk import NO_ROOM
from data.plan import Plan, Shard
from tasks import artifacts
from tasks.artifacts import ShardProgress
from tasks.plan_run import stored_rows
from tasks.progress import current
from tasks.reconstruct_shard import Written
from tasks.run import Run
from tasks.worker import UnusableWorkerError, WorkersClosedError

logger = logging.getLogger(__name__)

_HOPELESS = (AssetError, UnusableWorkerError, WorkersClosedError)
"""Errors that the next shard would meet too."""
_HOPELESS_NUMBERS = NO_ROOM | {errno.EACCES, errno.EPERM}
"""As _HOPELESS, of OSErrors: another, of a network's file system for instance, may not come again."""
_SERVER_LOST = (httpx.TransportError, ConcurrencySlotAcquisitionError)


SERVER_LOST = "Prefect's server does not answer any more: the same command goes on, also without a server"


class IncompleteError(RuntimeError):
    """Shards that could not be finished; the message says how many, and of what the first died."""


class ServerLostError(IncompleteError):
    """Prefect's server, which counts and shows the shards, does not answer any more."""


class ShardResults:
    """Enters part files into the manifest, and remembers errors."""

    def __init__(self, plan: Plan, run: Run) -> None:
        self._plan, self._run = plan, run
        self._progress = ShardProgress(len(plan.shards))
        self._done = 0
        self._statuses: Counter[str] = Counter()
        self._errors: list[tuple[Shard, Exception]] = []

    def add(self, shard: Shard, result: Written | Exception) -> None:
        """Take note of a shard. Raises its error where the next would meet it too."""
        if isinstance(result, _SERVER_LOST):
            raise ServerLostError(SERVER_LOST) from result
        if isinstance(result, _HOPELESS) or (isinstance(result, OSError) and result.errno in _HOPELESS_NUMBERS):
            raise result
        if isinstance(result, Exception):
            logger.error("shard %s of %d units: %s", shard.id, len(shard.units), result)
            logger.debug("shard %s", shard.id, exc_info=result)
            self._errors.append((shard, result))
            return
        manifest.record(self._run.out, result.parts, self._run.run_id)
        self._done += 1
        self._statuses += result.statuses
        self._progress.done(self._done)

    def publish(self) -> None:
        """Say how many rows have each status, and show what the table holds of the collection in Prefect's pages."""
        current().counted(self._statuses)
        if FlowRunContext.get() is None:
            return
        columns = (*artifacts.COLUMNS, "collection_key")
        rows, _ = stored_rows(self._run, tables.RECONSTRUCTIONS, columns)
        own = rows.filter(pyarrow.compute.equal(rows["collection_key"], self._run.collection_key))
        artifacts.publish(own, self._run.out, self._run.run_id)

    def require_complete(self) -> None:
        """Raise IncompleteError unless all shards were finished."""
        if self._errors:
            units = sum(len(shard.units) for shard, _ in self._errors)
            raise IncompleteError(
                f"{len(self._errors)} of {len(self._plan.shards)} shards ({units} units) could not be finished: "
                f"{self._errors[0][1]}; the same command tries them again"
            )
