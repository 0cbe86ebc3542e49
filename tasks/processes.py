"""Doing the same to many things in several processes, each with one thread."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_processes(function: Callable[[T], R], items: Sequence[T], processes: int) -> Iterator[tuple[T, R]]:
    """Each item with what ``function`` gives for it, as they are done; in this process where one is asked for.

    A process of one thread each: two that fit side by side finish sooner than one that fits with two threads.
    """
    if processes == 1:
        yield from ((item, function(item)) for item in items)
        return
    # Spawned: a fork of a process whose torch has threads may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, _one_thread) as pool:
        waiting = {pool.submit(function, item): item for item in items}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # what is wrong is told now, not when all else is done
            raise


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)
