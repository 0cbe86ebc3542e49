"""What the table of methods claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import methods
from benchmarks.methods import FAST_BATCH, FIT_BATCH, MEAN_FACE, batch_size, choose, part_name, summary
from data import assets
from data.assets import Found
from data.collections import Unit


def row(number: int, **changes: Any) -> dict[str, Any]:
    """Photograph `number` of a method, the worse the higher the number."""
    figures = {
        "energy": float(number),
        "landmark_error_pct": 2.0 + number,
        "cosine": 1 - number / 100,
        "psnr": 30.0 - number,
        "seconds": 0.5,
        "iterations": number,
        "converged": number % 2 == 0,
    }
    return {"unit_id": f"{number}.jpg", "status": "ok"} | figures | changes


def test_means_and_the_worst_tenth() -> None:
    rows = [row(number) for number in np.random.default_rng(0).permutation(20).tolist()]
    figures = summary([*rows, {"unit_id": "x", "status": "no_face"}])
    assert (figures["n"], figures["ok"]) == (21, 20)
    assert figures["energy"] == 9.5
    assert figures["energy_worst10"] == 18.5
    assert figures["landmark_error_pct_worst10"] == 20.5
    assert figures["cosine"] == 0.905
    assert figures["cosine_worst10"] == 0.815
    assert figures["psnr"] == 20.5
    assert figures["iterations"] == 9.5
    assert figures["converged"] == 0.5
    assert "psnr_worst10" not in figures


def test_the_worst_tenth_of_few_is_one() -> None:
    assert summary([row(1), row(5)])["energy_worst10"] == 5.0


def test_the_share_nearer_than_the_mean_face_is_by_photograph() -> None:
    beside = [row(1, cosine=0.2), row(2, cosine=0.9), {"unit_id": "3.jpg", "status": "no_face"}]
    rows = [row(2, cosine=0.8), row(1, cosine=0.5), row(3, cosine=0.9)]
    assert summary(rows, beside)["nearer_than_mean_face"] == 0.5


def test_no_face_at_all() -> None:
    assert summary([{"unit_id": "x", "status": "no_face"}]) == {"n": 1, "ok": 0}


def test_regression_is_timed_in_larger_batches() -> None:
    assert [batch_size(name) for name in ("ganfit", "ganfit++", "fast", MEAN_FACE)] == [
        FIT_BATCH,
        FIT_BATCH,
        FAST_BATCH,
        FAST_BATCH,
    ]


def test_one_photograph_of_each_person_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"Ann_A": 3, "Bob_B": 1, "Cy_C": 2, "Not_Held": 4}
    for name, count in counts.items():
        folder = tmp_path / "lfw" / "lfw-deepfunneled" / name
        folder.mkdir(parents=True)
        for number in range(1, count + 1):
            (folder / f"{name}_{number:04d}.jpg").write_bytes(b"")
    monkeypatch.setenv("GANFIT_DATASETS", str(tmp_path))
    monkeypatch.setattr(methods, "fold_people", lambda pairs: set(counts) - {"Not_Held"})
    names = [Path(unit.unit_id).stem for unit in choose(10)]
    assert {name[:-5] for name in names[:3]} == {"Ann_A", "Bob_B", "Cy_C"}
    assert all(name.endswith("1") for name in names[:3])
    assert sorted(names[3:5]) == ["Ann_A_0002", "Cy_C_0002"]
    assert names[5:] == ["Ann_A_0003"]
    assert [Path(unit.unit_id).stem for unit in choose(4)] == names[:4]


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Asset -> hash of its file, the same for all unless it is here; the code's version is fixed."""
    changed: dict[str, str] = {}
    monkeypatch.setattr(assets, "locate", lambda name: Found(Path(name), "here", changed.get(name, "0" * 64)))
    monkeypatch.setattr(methods, "code_version", lambda: "1")
    return changed


UNITS = [Unit("Ann_A/Ann_A_0001.jpg", Path("Ann_A_0001.jpg"))]


@pytest.mark.parametrize("method", ["ganfit++", MEAN_FACE])
@pytest.mark.parametrize("asset", ["centerface", "dlib-landmarks-68", "dlib-resnet", "morphable", "mobilefacenet"])
def test_rows_of_other_files_do_not_pass_for_new_ones(method: str, asset: str, hashes: dict[str, str]) -> None:
    before = part_name(UNITS, method, 2)
    assert part_name(UNITS, method, 2) == before
    hashes[asset] = "1" * 64
    assert part_name(UNITS, method, 2) != before


def test_only_the_files_that_a_method_needs_count(hashes: dict[str, str]) -> None:
    names = ("ganfit", "ganfit++", "pcafit", MEAN_FACE)
    before = {method: part_name(UNITS, method, 2) for method in names}
    assert len(set(before.values())) == len(names)

    def changed() -> set[str]:
        return {method for method in names if part_name(UNITS, method, 2) != before[method]}

    hashes["regressor-gan"] = "1" * 64
    assert changed() == {"ganfit++"}
    hashes["texture-pca"] = "1" * 64
    assert changed() == {"ganfit++", "pcafit", MEAN_FACE}


def test_rows_of_other_code_processes_or_photographs_do_not_pass_for_new_ones(
    hashes: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = part_name(UNITS, "ganfit", 2)
    assert part_name(UNITS, "ganfit", 1) != before
    assert part_name([Unit("Bob_B/Bob_B_0001.jpg", UNITS[0].path)], "ganfit", 2) != before
    monkeypatch.setattr(methods, "code_version", lambda: "2")
    assert part_name(UNITS, "ganfit", 2) != before
