"""The same in one process and in several."""

from __future__ import annotations

import math
import os

import pytest

from tasks.processes import in_processes


def test_one_process_is_this_one_and_keeps_the_order() -> None:
    def who(item: int) -> tuple[int, int]:
        return item**2, os.getpid()

    assert list(in_processes(who, [3, 1, 2], 1)) == [(item, (item**2, os.getpid())) for item in (3, 1, 2)]
    assert list(in_processes(who, [], 1)) == []


def test_in_one_process_results_come_while_others_wait() -> None:
    done: list[int] = []
    running = in_processes(done.append, [1, 2], 1)
    next(running)
    assert done == [1]


def test_an_error_is_the_callers() -> None:
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        list(in_processes(math.sqrt, [4.0, -1.0], 1))


def test_several_are_others_with_a_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spawned process takes seconds to start, and calls what it can import by name, such as `eval`."""
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    asked = "__import__('os').getpid(), __import__('torch').get_num_threads()"
    ((item, (process, threads)),) = in_processes(eval, [asked], 2)
    assert item == asked
    assert process != os.getpid()
    assert threads == 1
