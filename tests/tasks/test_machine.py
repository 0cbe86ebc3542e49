"""What a shard may use depends on the machine that computes it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tasks import machine
from tasks.machine import Wishes, limits_here, workers_here
from tasks.worker import Limits


@pytest.fixture(autouse=True)
def sixteen_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has 16 cores, 40 GiB of memory and no GPU."""
    monkeypatch.setattr(machine, "_cores", lambda: 16)
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: SimpleNamespace(total=40 << 30))
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: False)


def test_a_machine_has_as_many_workers_as_its_memory_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workers_here(isolated=True) == 13
    monkeypatch.setattr(machine, "_cores", lambda: 4)
    assert workers_here(isolated=True) == 4


def test_without_processes_of_their_own_or_with_a_gpu_shards_are_computed_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert workers_here(isolated=False) == 1
    monkeypatch.setattr(machine.torch.cuda, "is_available", lambda: True)
    assert workers_here(isolated=True) == 1


def test_workers_share_the_machine() -> None:
    assert limits_here(Wishes(60, None, 4)) == Limits(60, 8.0, 4)
    assert limits_here(Wishes(60, None, 100)) == Limits(60, 3.0, 1)


def test_the_memory_that_was_asked_for_is_given() -> None:
    assert limits_here(Wishes(60, 1.5, 4)).memory_gib == 1.5


def test_of_a_clusters_workers_a_machine_has_no_more_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_cores", lambda: 2)
    assert limits_here(Wishes(60, None, 100, cluster=True)) == Limits(60, 16.0, 1)
