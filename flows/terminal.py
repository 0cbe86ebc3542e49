"""What `ganfit fit` shows while it works and when it is done."""

from __future__ import annotations

import collections
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from data.plan import Plan
from flows.run_report import plan_report
from tasks.run import Work

_DETAILED = 20
"""Up to so many photographs each one's files and final terms are printed; beyond, one line each."""


class TerminalProgress:
    """A bar on the terminal's error stream, and a report of each finished face on its output."""

    def __init__(self, out: Console, err: Console, folder: Path, each: bool = True) -> None:
        self._out = out
        self._folder = folder
        self._each = each
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
        )
        self._photos_bar = self._bar.add_task("photos", total=None, visible=False)
        self._step_bar = self._bar.add_task("loading models", total=None, visible=False)
        self._photos = 0
        self._done: set[str] = set()
        self._statuses: collections.Counter[str] = collections.Counter()
        self._started = time.perf_counter()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._bar.stop()

    def heading(self, what: str) -> None:
        """Head what follows."""
        self._out.print(what)

    def planned(self, plan: Plan) -> None:
        """Say what is going to be done, of a whole collection."""
        if not self._each:
            self._out.print(plan_report(plan))

    def started(self, photos: int) -> None:
        """Show the bars."""
        self._photos = photos
        self._done.clear()
        self._started = time.perf_counter()
        self._bar.update(self._photos_bar, total=photos, visible=True)

    def step(self, what: str, done: int, total: int) -> None:
        """Move the lower bar."""
        self._bar.update(self._step_bar, description=what, completed=done, total=total, visible=True)

    def finished(self, work: Work) -> None:
        """Report one face."""
        self._done.add(work.unit.unit_id)
        self._statuses[work.columns["status"]] += 1
        self._bar.update(self._photos_bar, completed=len(self._done))
        if self._each:
            for line in self._lines(work):
                self._out.print(line)

    def counted(self, statuses: Mapping[str, int]) -> None:
        """Take these for the totals."""
        self._statuses = collections.Counter(statuses)

    def summarise(self, table: Path) -> None:
        """Print the totals."""
        seconds = time.perf_counter() - self._started
        counts = ", ".join(f"{number} {status}" for status, number in sorted(self._statuses.items()))
        noun = "photo" if self._each else "unit"  # collections may have videos
        if self._photos:
            total = f"1 {noun}" if self._photos == 1 else f"{self._photos} {noun}s"
            each = seconds / self._photos
            self._out.print(f"{total}: {counts}; {seconds:.1f} s, {each:.1f} s per {noun}")
        self._out.print(f"table: {table}")

    def _lines(self, work: Work) -> list[str]:
        name = work.unit.unit_id
        if work.columns.get("face_index"):
            name += f" face {work.columns['face_index']}"
        if not work.ok:
            return [f"{name}: {work.columns['status']} ({work.columns['stage']}): {work.columns['reason']}"]
        seconds = sum(work.columns["seconds"].values())
        lines = [f"{name}: ok, {seconds:.1f} s"]
        if self._photos <= _DETAILED:
            mesh, overlay = (self._folder / work.columns[kind] for kind in ("mesh", "overlay"))
            terms = ", ".join(f"{term} {value:.4g}" for term, value in work.columns["losses"].items())
            lines += [f"  mesh     {mesh}", f"  overlay  {overlay}", f"  terms    {terms}"]
        return lines
