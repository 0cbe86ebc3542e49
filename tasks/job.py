"""What a worker is asked to do, and who hears how it goes."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

from data.collections import Unit
from tasks.run import Run

FINDING = ("read", "detect", "align")
"""Stages that a unit passes through as one, and is given time for together."""


class Watch(Protocol):
    """Hears what is being worked on, so that it is known what was when a process dies.

    Some of a photograph's faces may be written while others are fitted: a unit can be in several stages.
    """

    def entered(self, stage: str, units: Sequence[str]) -> None:
        """These units are in this stage from now on; of FINDING, in no other any more."""

    def left(self, stage: str, units: Sequence[str]) -> None:
        """These units are not in this stage any more; of FINDING, in none."""


class Unwatched:
    """Nobody listens."""

    def entered(self, stage: str, units: Sequence[str]) -> None:
        """Say nothing."""

    def left(self, stage: str, units: Sequence[str]) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Job:
    """Units of one kind, and what an earlier attempt at them has taught."""

    units: Sequence[Unit]
    run: Run
    done: AbstractSet[tuple[str, int]] = frozenset()
    """Faces (`Work.name`) that are finished, of units that are not."""
    probed: Sequence[Unit] = ()
    """Units to be read and searched, and no more: to see whether that ends the process."""
