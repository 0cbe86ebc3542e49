"""What this machine has room for."""

from __future__ import annotations

import os

import psutil
import torch

from tasks.worker import Limits

_WORKER_GIB = 3
"""Memory that a worker is reckoned with: 1 to 2 GiB of models and libraries, and photographs."""
_SHARE = 0.8
"""Of the machine's memory, for all workers together."""


def limits_here(
    workers: int | None, isolated: bool, unit_seconds: float, memory_gib: float | None
) -> tuple[int, Limits | None]:
    """How many workers work at a time, and what each may use; None for its limits where they are not isolated.

    By default: one worker for a GPU; else one of one thread per core, as far as memory goes, since two that fit side by
    side finish sooner than one that fits with two threads.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    memory = psutil.virtual_memory().total / 2**30
    if workers is None:
        workers = 1 if torch.cuda.is_available() or not isolated else max(1, min(cores, int(memory / _WORKER_GIB)))
    if not isolated:
        return workers, None
    share = max(_WORKER_GIB, _SHARE * memory / workers)
    return workers, Limits(unit_seconds, round(memory_gib or share, 1), max(1, cores // workers))
