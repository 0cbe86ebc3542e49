"""What a machine has room for."""

from __future__ import annotations

import os
from dataclasses import dataclass

import psutil
import torch

from tasks.worker import Limits

_WORKER_GIB = 3
"""Memory that a worker is reckoned with: 1 to 2 GiB of models and libraries, and photographs."""
_SHARE = 0.8
"""Of the machine's memory, for all workers together."""


@dataclass(frozen=True)
class Wishes:
    """What is asked of the processes that guard shards, wherever these are computed."""

    unit_seconds: float
    """As of tasks.worker.Limits."""
    memory_gib: float | None
    """As of tasks.worker.Limits; None for a share of the machine's."""
    workers: int
    """Shards at a time."""
    cluster: bool = False
    """Whether several machines may share these; each has one per core at most."""


def workers_here(isolated: bool) -> int:
    """How many shards to compute at a time, in processes of their own or not.

    One for a GPU; else one of one thread per core, as far as memory goes, since two that fit side by side finish
    sooner than one that fits with two threads.
    """
    if torch.cuda.is_available() or not isolated:
        return 1
    return max(1, min(_cores(), int(_memory_gib() / _WORKER_GIB)))


def limits_here(wishes: Wishes) -> Limits:
    """What a worker may use on the machine that asks."""
    workers = min(wishes.workers, _cores()) if wishes.cluster else wishes.workers
    share = max(_WORKER_GIB, _SHARE * _memory_gib() / workers)
    return Limits(wishes.unit_seconds, round(wishes.memory_gib or share, 1), max(1, _cores() // workers))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_gib() -> float:
    return float(psutil.virtual_memory().total / 2**30)
