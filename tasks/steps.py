"""One way to run a step, with or without Prefect."""

from __future__ import annotations

import concurrent.futures
import contextlib
import contextvars
import functools
import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
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
    runner: TaskRunner[Any],
    abandon: Callable[[], None],
) -> Generator[tuple[T, R | Exception], None, None]:
    """Each item with what the step gives for it as its argument ``name``, or with the error, as they are done.

    So many at a time as there are workers: through Prefect's ``runner`` inside a flow run, in threads otherwise. Where
    the rest is not wanted any more, ``abandon`` ends the steps at work, for which both would wait.
    """
    if FlowRunContext.get() is not None:
        with runner as running, _abandoning(abandon):
            yield from _windowed(
                items,
                lambda item: running.submit(step, {name: item, **shared}),
                lambda futures: next(as_completed(futures)),
                workers,
            )
    elif workers == 1:  # where Ctrl-C is heard at once
        for item in items:
            yield item, _tried(functools.partial(step.fn, **{name: item, **shared}))
    else:
        with concurrent.futures.ThreadPoolExecutor(workers) as pool, _abandoning(abandon):
            yield from _windowed(
                items,
                # who listens to the progress is in the context
                lambda item: pool.submit(contextvars.copy_context().run, lambda: step.fn(**{name: item, **shared})),
                lambda futures: next(concurrent.futures.as_completed(futures)),
                workers,
            )


@contextlib.contextmanager
def _abandoning(abandon: Callable[[], None]) -> Iterator[None]:
    try:
        yield
    except BaseException:
        abandon()
        raise


def _tried(action: Callable[[], R]) -> R | Exception:
    try:
        return action()
    except Exception as error:
        return error


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
        yield item, _tried(future.result)
