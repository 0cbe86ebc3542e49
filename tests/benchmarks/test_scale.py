"""What the figures of scale leave out of account, and what they do not."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks._command import Ended
from benchmarks.scale import Watched, write_list


def growth(rss: list[float]) -> float:
    """Of a run that takes so much memory from second to second."""
    return Watched(Ended(0, "", len(rss), 0.0), rss).growth()


def test_loading_models_and_the_last_seconds_are_no_growth() -> None:
    assert growth([*range(0, 1000, 50), *[1000.0] * 77, 500.0, 200.0, 0.0]) == 0


def test_a_leak_is_growth() -> None:
    assert growth([1000.0 + second for second in range(100)]) == pytest.approx(50, abs=1)


def test_a_list_holds_each_photograph_once_with_its_subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Ann_A", "Bob_B"):
        folder = tmp_path / "lfw" / "lfw-deepfunneled" / name
        folder.mkdir(parents=True)
        for number in range(5):
            (folder / f"{name}_{number:04d}.jpg").touch()
    monkeypatch.setenv("GANFIT_DATASETS", str(tmp_path))
    with write_list(tmp_path / "list.csv", 10).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["unit_id"] for row in rows}) == 10
    assert {row["subject"] for row in rows} == {"Ann_A", "Bob_B"}
    assert all(Path(row["path"]).is_file() for row in rows)
