"""Where shards are computed: by each runner the same, and one clear line where a runner cannot work."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest
from prefect import flow, task
from prefect.testing.utilities import prefect_test_harness

from flows.reconstruct import reconstruct
from flows.runners import RunnerError, RunnerName, task_runner
from tasks.reconstruct_shard import reconstruct_shard
from tasks.steps import each
from tasks.worker import Workers, workers

SHARDS = 4


@task(persist_result=False)
def shard(number: int) -> tuple[int, int, int, int]:
    """What a shard may want to know of where it is."""
    import multiprocessing

    import torch

    child = multiprocessing.get_context("spawn").Process(target=int)  # units are computed in one
    child.start()
    child.join()
    assert child.exitcode == 0
    return number, os.getpid(), threading.get_ident(), torch.get_num_threads()


@flow
def run_shards() -> list[tuple[int, int, int, int]]:
    """All shards, in order."""
    return [future.result() for future in [shard.submit(number) for number in range(SHARDS)]]


@pytest.fixture(scope="module")
def server() -> Iterator[None]:
    """A Prefect server for this file."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


def computed(name: RunnerName, workers: int = 2) -> list[tuple[int, int, int, int]]:
    """The shards as this runner gives them."""
    return run_shards.with_options(task_runner=task_runner(name, workers))()


def test_threads_share_this_process(server: None) -> None:
    numbers, processes, threads, _ = zip(*computed("threads"), strict=True)
    assert numbers == tuple(range(SHARDS))
    assert set(processes) == {os.getpid()}
    assert 1 <= len(set(threads)) <= 2


@pytest.mark.parametrize(("name", "package"), [("processes", "prefect"), ("ray", "ray"), ("dask", "distributed")])
@pytest.mark.filterwarnings("default::DeprecationWarning", "default::FutureWarning")
def test_processes_ray_and_dask_have_so_many_processes_of_one_thread_that_may_have_children(
    server: None, name: RunnerName, package: str
) -> None:
    pytest.importorskip(package)
    numbers, processes, _, torch_threads = zip(*computed(name), strict=True)
    assert numbers == tuple(range(SHARDS))
    assert os.getpid() not in processes
    assert 1 <= len(set(processes)) <= 2
    assert set(torch_threads) == {1}


@task(persist_result=False)
def waits(number: int, folder: Path) -> None:
    """The first fails, the others are there and wait."""
    if number == 0:
        while len(list(folder.iterdir())) < 1:
            time.sleep(0.01)
        raise ValueError("no")
    (folder / str(os.getpid())).touch()
    time.sleep(120)


@flow
def gives_up(folder: Path) -> None:
    """Wants no more after the first error."""
    where = task_runner("processes", 2)
    with contextlib.closing(each(waits, "number", [0, 1, 2, 3], {"folder": folder}, 2, where, lambda: None)) as steps:
        for _ in steps:
            raise KeyError


def test_processes_at_work_are_ended_where_the_run_is(server: None, tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(KeyError):
        gives_up(tmp_path)
    assert time.monotonic() - started < 100
    assert not any(psutil.pid_exists(int(name.name)) for name in tmp_path.iterdir())


def test_a_flow_and_a_task_that_are_sent_to_another_process_use_the_workers_of_that_process() -> None:
    for sent in (reconstruct, reconstruct_shard):
        arrived = cloudpickle.loads(cloudpickle.dumps(sent))
        named = [value for value in arrived.fn.__globals__.values() if isinstance(value, Workers)]
        assert named == [workers]


@pytest.mark.parametrize("name", ["ray", "dask"])
def test_a_lacking_package_is_one_line_that_names_the_extra(monkeypatch: pytest.MonkeyPatch, name: RunnerName) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{name}", None)
    monkeypatch.delitem(sys.modules, "flows.ray_runner", raising=False)
    with pytest.raises(RunnerError) as caught:
        task_runner(name, 2)
    assert str(caught.value) == f"the runner {name} needs the package prefect_{name}: pip install 'ganfit[{name}]'"


@pytest.mark.parametrize("name", ["threads", "processes"])
def test_an_address_is_refused_by_runners_of_this_machine(name: RunnerName) -> None:
    with pytest.raises(RunnerError, match="only ray and dask have an address"):
        task_runner(name, 2, "ray://head:10001")


def test_less_than_one_worker_and_unknown_names_are_refused() -> None:
    with pytest.raises(RunnerError, match="one worker or more, not 0"):
        task_runner("threads", 0)
    with pytest.raises(RunnerError, match="no runner slurm: threads, processes, ray and dask"):
        task_runner("slurm", 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "variable", "address"),
    [("ray", "RAY_ADDRESS", "ray://head:10001"), ("dask", "DASK_SCHEDULER_ADDRESS", "tcp://head:8786")],
)
def test_a_running_cluster_is_joined_by_its_address_or_the_environments(
    monkeypatch: pytest.MonkeyPatch, name: RunnerName, variable: str, address: str
) -> None:
    pytest.importorskip(f"prefect_{name}")
    monkeypatch.delenv(variable, raising=False)
    alone: Any = task_runner(name, 3)
    assert alone.address is None
    monkeypatch.setenv(variable, address)
    named: Any = task_runner(name, 3)
    assert named.address == address
    given: Any = task_runner(name, 3, "tcp://other:1")
    assert given.address == "tcp://other:1"
    assert "num_cpus" not in getattr(given, "init_kwargs", {})  # a running cluster has its own size


@pytest.mark.parametrize(("gpus", "asked"), [(2.0, 1), (None, 0)])
def test_on_ray_a_task_has_a_gpu_of_its_own_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, gpus: float | None, asked: int
) -> None:
    ray = pytest.importorskip("ray")
    from prefect_ray import RayTaskRunner
    from prefect_ray.context import RemoteOptionsContext

    resources = {"CPU": 4.0} if gpus is None else {"CPU": 4.0, "GPU": gpus}
    monkeypatch.setattr(ray, "cluster_resources", lambda: resources)
    monkeypatch.setattr(RayTaskRunner, "submit", lambda self: RemoteOptionsContext.get().current_remote_options)
    runner: Any = task_runner("ray", 2)
    assert runner.submit() == {"num_gpus": asked, "max_calls": 0}
