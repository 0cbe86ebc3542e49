"""Steps in threads: order, errors, and what happens to the rest when it is not wanted any more."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import pytest
from prefect import task

from tasks.steps import each

NO_RUNNER: Any = None
"""Prefect's, which is not asked for outside a flow run."""


@task
def double(number: int, shared: list[int]) -> int:
    """Twice the number; negative ones are refused."""
    shared.append(number)
    if number < 0:
        raise ValueError(f"{number} is negative")
    return 2 * number


def run(numbers: list[int], workers: int, **options: Any) -> dict[int, Any]:
    """What comes of the numbers."""
    return dict(each(double, "number", numbers, {"shared": []}, workers, NO_RUNNER, nothing, **options))


def nothing() -> None:
    """Nothing has to be ended."""


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_an_error_of_one_item_is_its_result_and_the_others_go_on(workers: int) -> None:
    got = run([3, -1, 4, 0], workers)
    assert isinstance(got.pop(-1), ValueError)
    assert got == {3: 6, 4: 8, 0: 0}


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_is_begun_than_a_little_ahead(workers: int) -> None:
    begun: list[int] = []
    steps = each(double, "number", list(range(100)), {"shared": begun}, workers, NO_RUNNER, nothing)
    with contextlib.closing(steps):
        next(steps)
        time.sleep(0.2)
        assert len(begun) <= 4 * workers


def test_who_gives_up_ends_the_steps_at_work_and_does_not_wait_for_them() -> None:
    ended = threading.Event()

    @task
    def waits(number: int) -> None:
        if number:
            ended.wait(60)

    started = time.monotonic()
    steps = each(waits, "number", [0, 1, 2, 3], {}, 2, NO_RUNNER, ended.set)
    with contextlib.closing(steps), contextlib.suppress(KeyboardInterrupt):
        for _ in steps:
            raise KeyboardInterrupt
    assert ended.is_set()
    assert time.monotonic() - started < 30
