"""Where the shards of a run are computed: Prefect's task runners by name."""

from __future__ import annotations

import os
from typing import Any, Literal

from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

RunnerName = Literal["threads", "processes", "ray", "dask"]


class RunnerError(Exception):
    """A task runner that cannot work here, in one line."""


def task_runner(name: RunnerName, workers: int, address: str | None = None) -> TaskRunner[Any]:
    """A Prefect task runner that works on ``workers`` shards at a time.

    ``address`` is that of a running Ray or Dask cluster, whose size then decides how many shards are worked on; the
    environment's RAY_ADDRESS or DASK_SCHEDULER_ADDRESS take its place. Without one, a cluster of ``workers`` processes
    is started on this machine for the length of the run.

    Raises RunnerError where the runner's package is not installed, for an address that the runner has no use for, for
    fewer than one worker and for an unknown name.
    """
    if workers < 1:
        raise RunnerError(f"a run needs one worker or more, not {workers}")
    if address and name in ("threads", "processes"):
        raise RunnerError(f"the runner {name} works on this machine alone: only ray and dask have an address")
    if name == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    if name == "processes":
        return ProcessShardRunner(max_workers=workers, initializer=_one_thread)
    if name == "ray":
        return _ray(workers, address or os.environ.get("RAY_ADDRESS"))
    if name == "dask":
        return _dask(workers, address or os.environ.get("DASK_SCHEDULER_ADDRESS"))
    raise RunnerError(f"there is no runner {name}: threads, processes, ray and dask are known")


class ProcessShardRunner(ProcessPoolTaskRunner):
    """Does not wait for shards at work where an error ends the run."""

    def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:
        if exc_type is not None and self._executor is not None:
            for process in list(self._executor._processes.values()):
                process.kill()  # which ends the process that guards its shard too
        super().__exit__(exc_type, exc_value, traceback)


def _one_thread() -> None:
    """As Ray and Dask have it in their workers: sums are then rounded alike everywhere."""
    import torch

    torch.set_num_threads(1)


def _ray(workers: int, address: str | None) -> TaskRunner[Any]:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported
    try:
        from flows.ray_runner import RayShardRunner
    except ModuleNotFoundError as error:
        raise _not_installed("ray", error) from error
    if address:
        return RayShardRunner(address=address)
    # "local": another's cluster on this machine is not joined unasked
    return RayShardRunner(init_kwargs={"address": "local", "num_cpus": workers, "include_dashboard": False})


def _dask(workers: int, address: str | None) -> TaskRunner[Any]:
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")  # else a line per connection, from every worker
    try:
        import dask
        from prefect_dask import DaskTaskRunner
    except ModuleNotFoundError as error:
        raise _not_installed("dask", error) from error
    if address:
        return DaskTaskRunner(address=address)
    dask.config.set({"distributed.worker.daemon": False})  # daemons may not start the processes that limit a unit
    local = {
        "n_workers": workers,
        "threads_per_worker": 1,
        "memory_limit": 0,  # Dask would share the machine's memory out by cores, and end a worker that needs more
        "dashboard_address": None,
    }
    return DaskTaskRunner(cluster_kwargs=local)


def _not_installed(name: str, error: ModuleNotFoundError) -> RunnerError:
    return RunnerError(f"the runner {name} needs the package {error.name}: pip install 'ganfit[{name}]'")
