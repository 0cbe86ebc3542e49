"""Threads: order, and what happens when one of many fails."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from tasks.threads import in_threads


def test_results_keep_the_order_of_the_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.05 if item == 0 else 0)
        return 10 * item

    assert list(in_threads(slow_first, range(5))) == [0, 10, 20, 30, 40]


def test_as_many_run_at_a_time_as_torch_has_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    together = threading.Barrier(3, timeout=10)  # broken, and an error, unless three wait at once
    assert sorted(in_threads(lambda item: together.wait(), range(3))) == [0, 1, 2]


def test_an_error_is_raised_and_what_has_not_begun_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    begun = []

    def fails(item: int) -> None:
        begun.append(item)
        time.sleep(0.01)
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        list(in_threads(fails, range(100)))
    assert len(begun) < 100
