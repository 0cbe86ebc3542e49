"""Telling whoever watches how far a run is."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Protocol

from data.plan import Plan
from tasks.run import Work


class Progress(Protocol):
    """What a run reports while it works."""

    def heading(self, what: str) -> None:
        """A part of something longer begins."""

    def planned(self, plan: Plan) -> None:
        """What a run over a collection is going to do."""

    def started(self, photos: int) -> None:
        """So many photographs will be processed."""

    def step(self, what: str, done: int, total: int) -> None:
        """``done`` of ``total`` parts of what is being done are over."""

    def finished(self, work: Work) -> None:
        """All is known about a photograph or face, good or bad. Not heard from other processes of a task runner."""

    def counted(self, statuses: Mapping[str, int]) -> None:
        """A run over a collection has written so many rows of each status."""


class Silence:
    """Reports to nobody."""

    def heading(self, what: str) -> None:
        """Say nothing."""

    def planned(self, plan: Plan) -> None:
        """Say nothing."""

    def started(self, photos: int) -> None:
        """Say nothing."""

    def step(self, what: str, done: int, total: int) -> None:
        """Say nothing."""

    def finished(self, work: Work) -> None:
        """Say nothing."""

    def counted(self, statuses: Mapping[str, int]) -> None:
        """Say nothing."""


progress: ContextVar[Progress] = ContextVar("progress")
"""Set by the command line; a context variable, since a flow's parameters have to be plain data."""


def current() -> Progress:
    """Who listens in this context."""
    return progress.get(Silence())
