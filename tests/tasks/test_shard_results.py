"""Which errors of a shard end the run, and which are only remembered."""

from __future__ import annotations

import errno
import pickle
from collections import Counter
from pathlib import Path

import httpx
import pyarrow as pa
import pytest
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError

from data.assets import AssetError
from data.collections import Unit
from data.plan import Plan, Shard
from ganfit_core.methods import METHODS
from tasks.run import Run
from tasks.shard_results import IncompleteError, ServerLostError, ShardResults
from tasks.worker import UnusableWorkerError, WorkersClosedError

RUN = Run(Path("out"), "laptop", METHODS["fast"], None, False, 0, "key", "photos")
SHARD = Shard("id", (Unit("a", Path("a")), Unit("b", Path("b"))), (None, None), (None, None))


@pytest.fixture
def results() -> ShardResults:
    """Of a run of one shard."""
    return ShardResults(Plan([SHARD], Counter(), 2, 0, pa.table({})), RUN)


@pytest.mark.parametrize(
    "error",
    [
        *(OSError(number, "no") for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)),
        AssetError("no"),
        UnusableWorkerError("no"),
        WorkersClosedError("no"),
    ],
    ids=repr,
)
def test_what_the_next_shard_would_meet_too_is_raised_at_once(results: ShardResults, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        results.add(SHARD, error)
    assert caught.value is error


@pytest.mark.parametrize("error", [OSError(errno.EIO, "bad block"), RuntimeError("odd")], ids=repr)
def test_other_errors_are_told_when_the_rest_is_done(results: ShardResults, error: Exception) -> None:
    results.add(SHARD, error)
    with pytest.raises(IncompleteError, match=r"1 of 1 shards \(2 units\) could not be finished: .*(block|odd)"):
        results.require_complete()


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("slow"), ConcurrencySlotAcquisitionError("no")], ids=repr
)
def test_without_its_server_the_run_ends_at_once_and_says_how_to_go_on(results: ShardResults, error: Exception) -> None:
    with pytest.raises(ServerLostError, match="the same command goes on, also without a server") as caught:
        results.add(SHARD, error)
    assert type(pickle.loads(pickle.dumps(caught.value))) is ServerLostError
