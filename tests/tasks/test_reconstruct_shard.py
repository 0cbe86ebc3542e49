"""A shard is computed with what it was planned for, or not at all."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.collections import Unit
from data.plan import Shard
from data.schemas import Dimensions
from ganfit_core.methods import METHODS
from tasks import reconstruct_shard as step
from tasks.lineage import Lineage
from tasks.machine import Wishes
from tasks.reconstruct_shard import OtherLineageError
from tasks.run import Run, Work
from tasks.worker import Limits

RUN = Run(Path("out"), "laptop", METHODS["fast"], None, False, 0, "key", "photos")
WISHES = Wishes(60, None, 1)


def lineage(weights: str) -> Lineage:
    """With these weights."""
    return Lineage(Dimensions(3, 4, 4), "config", {"morphable": weights}, "code", 0, "cpu")


SHARD = Shard(
    "id", (Unit("a", Path("a")), Unit("b", Path("b"))), (None, "content"), (None, lineage("new").result_key("content"))
)


class Process:
    """In place of tasks.worker.Worker: it has loaded some weights, and loads others after a restart."""

    def __init__(self, loaded: str, stored: str) -> None:
        self.loaded, self.stored = loaded, stored
        self.ends = 0

    def lineage(self, run: Run, videos: bool) -> Lineage:
        return lineage(self.loaded)

    def close(self) -> None:
        self.loaded = self.stored
        self.ends += 1


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Lineage]:
    """Lineages of the rows that are written; supervision finishes every unit."""
    lineages: list[Lineage] = []

    def write(works: list[Work], shard: str, run: Run, lineage: Lineage) -> list[Path]:
        lineages.append(lineage)
        return []

    monkeypatch.setattr(step, "write_rows", write)
    monkeypatch.setattr(step, "supervised", lambda *_: [Work(unit, {"status": "ok"}) for unit in SHARD.units])
    return lineages


def compute(process: Process, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The shard by this process."""

    class Lent:
        @contextlib.contextmanager
        def lease(self, limits: Limits) -> Iterator[Process]:
            yield process

    monkeypatch.setattr(step, "workers", Lent())
    return step.reconstruct_shard.fn(SHARD, RUN, WISHES)


def test_a_process_with_the_models_of_the_plan_computes(
    written: list[Lineage], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process("new", "new")
    assert compute(process, monkeypatch).statuses == {"ok": 2}
    assert (written, process.ends) == ([lineage("new")], 0)


def test_a_process_that_loaded_its_models_before_they_were_changed_does_so_again(
    written: list[Lineage], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process("old", "new")
    compute(process, monkeypatch)
    assert (written, process.ends) == ([lineage("new")], 1)


def test_a_machine_with_other_models_writes_nothing_and_says_why(
    written: list[Lineage], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OtherLineageError, match="other models, or another version of the program") as caught:
        compute(Process("old", "old"), monkeypatch)
    assert written == []
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_so_does_a_machine_without_processes_of_their_own(
    written: list[Lineage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step, "lineage_of", lambda *_: lineage("old"))
    with pytest.raises(OtherLineageError):
        step.reconstruct_shard.fn(SHARD, RUN, None)
    assert written == []
