"""`ganfit run` when it is killed, starved or tampered with: the command line itself, with stand-ins for the models."""

from __future__ import annotations

import json
import random
import re
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

import tasks.models
from benchmarks._command import Command, Ended, compare
from data import tables
from flows.reconstruct import reconstruct
from tests import broken
from tests.flows import fake_run
from tests.flows.test_bad_input import RED, picture, save

COUNT, SHARD, LIMIT_S = 48, 4, 120


@dataclass(frozen=True)
class Reference:
    """A collection, and the rows of a run that nothing happens to."""

    photos: Path
    rows: pa.Table


def command(photos: Path, out: Path, *options: object, slowly: float = 0.0, workers: int = 1) -> Command:
    """`ganfit run`, started, with so many seconds for each photograph."""
    arguments = ("run", photos, "--out", out, "--method", "fast", "--shard-size", SHARD, "--workers", workers)
    program = (sys.executable, "-m", "tests.flows.fake_run")
    environment = {"OMP_NUM_THREADS": "1", fake_run.SECONDS: str(slowly)}
    return Command(*arguments, "--batch", 4, *options, environment=environment, program=program)


def ran(photos: Path, out: Path, *options: object) -> Ended:
    """The same, ended."""
    ended = command(photos, out, *options).wait(LIMIT_S)
    assert "Traceback" not in ended.output, ended.output
    return ended


def fill(folder: Path, count: int) -> Path:
    """Photographs of which no two are alike."""
    for number in range(count):
        save(picture(colour=(RED[0], number % 50, number // 50), size=64), folder / f"{number:03d}.png")
    return folder


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for the models in this process too."""
    monkeypatch.setattr(tasks.models, "load_models", fake_run.load_models)


@pytest.fixture
def reference(stand_ins: None, tmp_path: Path) -> Reference:
    """Left alone."""
    photos = fill(tmp_path / "photos", COUNT)
    reconstruct.fn(
        [str(photos)], tmp_path / "reference", method="fast", files="none", shard_size=SHARD, batch=4, isolated=False
    )
    return Reference(photos, tables.read(tmp_path / "reference"))


def assert_same(reference: Reference, out: Path) -> None:
    """Every unit has its row, once, bit by bit that of the run that was left alone."""
    difference = compare(reference.rows, tables.read(out))
    assert (difference.lost, difference.doubled, difference.differing) == (0, 0, 0), difference


def parts(out: Path) -> list[Path]:
    """The table's part files."""
    return sorted((out / "reconstructions").rglob("part-*.parquet"))


def wait_for_parts(run: Command, out: Path, count: int = 1) -> None:
    """Until the run has written so many part files, and is not through."""
    while run.running() and len(parts(out)) < count:
        time.sleep(0.01)
    assert run.running(), run.wait().output


def wait_for_plan(run: Command, out: Path) -> None:
    """Until the run has begun with its shards."""
    while run.running() and not any((out / "plans").glob("*.parquet")):
        time.sleep(0.01)
    assert run.running(), run.wait().output


def test_a_run_killed_at_random_moments_ends_with_the_rows_of_one_that_was_not(
    reference: Reference, tmp_path: Path
) -> None:
    out, randomness = tmp_path / "out", random.Random(0)
    for _ in range(2):
        run = command(reference.photos, out, slowly=0.1, workers=2)
        wait_for_parts(run, out, len(parts(out)) + 1)
        time.sleep(randomness.uniform(0, 0.5))
        run.kill()
    before = {row["unit_id"]: row["run_id"] for row in tables.read(out).to_pylist()}
    assert 0 < len(before) < COUNT
    assert ran(reference.photos, out).code == 0
    assert_same(reference, out)
    after = {row["unit_id"]: row["run_id"] for row in tables.read(out).to_pylist()}
    assert before.items() <= after.items()


def test_a_worker_that_is_killed_costs_no_row(reference: Reference, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = command(reference.photos, out, slowly=0.1, workers=2)
    wait_for_parts(run, out)
    run.workers()[0].send_signal(signal.SIGKILL)
    assert run.wait(LIMIT_S).code == 0
    assert_same(reference, out)


def test_the_workers_of_a_command_that_is_killed_end_by_themselves(reference: Reference, tmp_path: Path) -> None:
    run = command(reference.photos, tmp_path / "out", slowly=0.2, workers=2)
    wait_for_parts(run, tmp_path / "out")
    workers = run.workers()
    assert len(workers) == 2
    run.process.kill()
    deadline = time.monotonic() + 20
    while any(worker.is_running() for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [worker.pid for worker in workers if worker.is_running()]
    run.kill()
    assert left == []


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_ends_at_once_and_says_how_to_go_on(workers: int, tmp_path: Path) -> None:
    run = command(fill(tmp_path / "photos", 16), tmp_path / "out", slowly=60, workers=workers)
    wait_for_plan(run, tmp_path / "out")
    run.process.send_signal(signal.SIGINT)
    ended = run.wait(30)
    assert ended.code == 130
    assert "same command" in ended.output
    assert "Traceback" not in ended.output


def test_a_second_run_on_one_folder_is_told_of_the_first(tmp_path: Path) -> None:
    photos = fill(tmp_path / "photos", 4)
    run = command(photos, tmp_path / "out", slowly=60)
    try:
        wait_for_plan(run, tmp_path / "out")
        second = ran(photos, tmp_path / "out")
        assert run.running()
    finally:
        run.kill()
    assert second.code == 1
    assert f"process {run.process.pid}" in second.output


def test_photographs_that_hang_exhaust_memory_crash_or_raise_cost_one_row_each(tmp_path: Path) -> None:
    photos = fill(tmp_path / "photos", 12)
    poison = {"hangs": fake_run.HANGS, "swallows": fake_run.SWALLOWS_MEMORY, "crashes": fake_run.CRASHES}
    poison["raises"] = fake_run.RAISES
    for name, colour in poison.items():
        save(picture(4, 64, colour), photos / f"005-{name}.png")
    ended = ran(photos, tmp_path / "out", "--unit-seconds", 8, "--memory-gib", 1)
    assert ended.code == 0, ended.output
    rows = tables.read(tmp_path / "out").to_pylist()
    assert Counter(row["status"] for row in rows) == {"ok": 12, "failed": 4}
    assert all(row["content_sha256"] is not None for row in rows)
    reasons = {row["unit_id"]: row["reason"] for row in rows}
    assert reasons["005-hangs.png"] == "took longer than 8 s"
    assert reasons["005-swallows.png"] == "took more than 1 GiB of memory"
    assert "signal 11" in reasons["005-crashes.png"]
    assert reasons["005-raises.png"] == "ValueError: nothing but cyan"


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path: Path) -> None:
    ended = ran(fill(tmp_path / "photos", 1), Path("/proc/ganfit"))  # not even root may write there
    assert ended.code in (1, 2)
    assert re.search(r"^ganfit: .*/proc/ganfit", ended.output, re.MULTILINE), ended.output


@pytest.mark.parametrize("fault", ["killed", "full"])
def test_whatever_step_of_writing_is_the_last_nothing_is_lost_or_doubled(fault: str, tmp_path: Path) -> None:
    shards = 3
    photos = fill(tmp_path / "photos", shards * SHARD)
    program = (sys.executable, "-m", "tests.flows.crash_points")
    ended = Command(photos, tmp_path, fault, program=program).wait(LIMIT_S)
    assert ended.code == 0, ended.output
    figures = json.loads(ended.output.strip().rpartition("\n")[2])
    assert figures.pop("steps") > 3 * shards
    assert figures == {"lost": 0, "doubled": 0, "differing": 0, "columns": [], "findings": []}


def test_reasons_of_broken_files_add_up_to_the_inputs(stand_ins: None, tmp_path: Path) -> None:
    photos = fill(tmp_path / "photos", 228)
    written = broken.fill(photos / "broken", 12)
    reconstruct.fn([str(photos)], tmp_path / "out", method="fast", files="none", isolated=False)
    rows = tables.read(tmp_path / "out").to_pylist()
    wanted = Counter({("ok", None): 228}) + Counter((kind.status, kind.reason) for kind in written.values())
    assert {name.rsplit("-", 1)[0] for name in written} == {name.replace(" ", "-") for name in broken.KINDS}
    assert Counter((row["status"], row["reason"]) for row in rows) == wanted
    assert len(rows) == 240
