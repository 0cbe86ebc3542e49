"""Doing the same to many things on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")
R = TypeVar("R")


def in_threads(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """What ``function`` gives for each item, in order; as many at a time as torch has threads.

    For work in libraries that run without the interpreter's lock: decoding, detection, resampling, writing.
    """
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        yield from pool.map(function, items)
