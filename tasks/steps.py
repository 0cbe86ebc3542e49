"""One way to run a step, with or without Prefect."""

from __future__ import annotations

import concurrent.futures
import contextvars
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from prefect import Task
from prefect.context import FlowRunContext
from prefect.futures import as_completed
from prefect.utilities.annotations import quote

if TYPE_CHECKING:
    from prefect.task_runners import TaskRunner

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

_AHEAD = 2
"""Steps that wait, for each that runs: enough that no worker waits for one."""


def call(step: Task[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a task through Prefect inside a flow run, and as the plain function that it wraps otherwise.

    Without a server at hand Prefect would start one for the length of the run: 5 to 11 s measured, as much as
    the rest of a short run.
    """
    if FlowRunContext.get() is None:
        return step.fn(*args, **kwargs)
    # Quoted, so that Prefect does not search what is passed for futures: 25 us for each unit of a collection.
    quoted = [quote(value) for value in args]
    return step(*quoted, **{name: quote(value) for name, value in kwargs.items()})  # type: ignore[arg-type]


def each(
    step: Task[Any, R],
    name: str,
    items: Sequence[T],
    shared: dict[str, Any],
    workers: int,
    runner: Callable[[], TaskRunner],
) -> Iterator[tuple[T, R | Exception]]:
    """Each item with what the step gives for it as its argument ``name``, or with the error, as they are done.

    So many at a time as there are workers: through Prefect's ``runner`` inside a flow run, in threads otherwise.
    """
    if FlowRunContext.get() is not None:
        with runner() as running:
            yield from _windowed(
                items,
                lambda item: running.submit(step, {name: item, **shared}),
                lambda futures: next(as_completed(futures)),
                workers,
            )
    elif workers == 1:  # where Ctrl-C is heard at once
        for item in items:
            try:
                yield item, step.fn(**{name: item, **shared})
            except Exception as error:
                yield item, error
    else:
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            try:
                yield from _windowed(
                    items,
                    lambda item: pool.submit(contextvars.copy_context().run, lambda: step.fn(**{name: item, **shared})),
                    lambda futures: next(concurrent.futures.as_completed(futures)),
                    workers,
                )
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _windowed(
    items: Sequence[T], submit: Callable[[T], Any], first: Callable[[list[Any]], Any], workers: int
) -> Iterator[tuple[T, Any]]:
    """Some are submitted and the next whenever one is done: an error stops the rest, and nothing piles up."""
    waiting: dict[Any, T] = {}
    left = iter(items)
    while True:
        for item in itertools.islice(left, _AHEAD * workers - len(waiting)):
            waiting[submit(item)] = item
        if not waiting:
            return
        future = first(list(waiting))
        item = waiting.pop(future)
        try:
            result = future.result()
        except Exception as error:
            result = error
        yield item, result
