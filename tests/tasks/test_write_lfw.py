"""What rows of cosines come to, against values worked out by hand; and which rows they replace."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data import tables
from data.lfw import Lfw
from tasks.evaluate_lfw import Benchmark, Side
from tasks.likeness_settings import Settings
from tasks.write_lfw import FAR, pair_figures, photo_figures, write_lfw_rows
from tests import judged
from tests.judged import World


def photo(person: str, cosine: float | None, fold: int = 10, number: int = 1, **columns: Any) -> dict[str, Any]:
    """A row of `lfw_photos`; without a cosine, of a photograph without a face."""
    row = {
        "network": "judge",
        "method": "fast",
        "protocol": "lfw/photo-rendering",
        "protocol_version": "1",
        "unit_id": f"{person}/{person}_{number:04d}.jpg",
        "subject": person,
        "fold": fold,
        "status": "no_face" if cosine is None else "ok",
        "reason": None if cosine is not None else "no face found",
        "cosine": cosine,
        "result_key": "key",
    }
    return row | columns


def pair(same: bool, cosine: float | None, fold: int = 10, **columns: Any) -> dict[str, Any]:
    """A row of `lfw_pairs`: Ann twice, or Ann and Bob."""
    row = {
        "network": "judge",
        "method": "fast",
        "protocol": "lfw/rendering-pairs",
        "protocol_version": "1",
        "fold": fold,
        "same": same,
        "first": "Ann/Ann_0001.jpg",
        "second": "Ann/Ann_0002.jpg" if same else "Bob/Bob_0001.jpg",
        "status": "no_face" if cosine is None else "ok",
        "reason": None if cosine is not None else "no face found",
        "cosine": cosine,
    }
    return row | columns


def test_photographs_means_are_over_photographs_and_over_people() -> None:
    rows = [photo("Ann", 0.2), photo("Ann", 0.4, number=2), photo("Bob", 0.9), photo("Cas", None)]
    figures = photo_figures(rows)
    assert (figures["n"], figures["failed"], figures["people"]) == (3, 1, 2)
    assert figures["mean"] == pytest.approx(0.5)
    assert figures["std"] == pytest.approx(math.sqrt((0.3**2 + 0.1**2 + 0.4**2) / 3))
    assert figures["mean_over_people"] == pytest.approx((0.3 + 0.9) / 2)
    assert figures["above_half"] == pytest.approx(1 / 3)


def test_a_half_is_not_above_a_half() -> None:
    assert photo_figures([photo("Ann", 0.5), photo("Bob", 0.5001)])["above_half"] == 0.5


def test_without_a_good_photograph_there_are_counts_alone() -> None:
    assert photo_figures([photo("Ann", None)]) == {"n": 0, "failed": 1, "people": 0}


def test_pairs_of_one_fold_have_no_accuracy() -> None:
    rows = [pair(True, 0.8), pair(True, 0.3), pair(False, 0.5), pair(False, 0.1), pair(False, None)]
    figures = pair_figures(rows)
    assert (figures["n"], figures["failed"], figures["people"], figures["same"]) == (4, 1, 2, 2)
    assert figures["same_mean"] == pytest.approx(0.55)
    assert figures["different_mean"] == pytest.approx(0.3)
    assert figures["auc"] == pytest.approx(3 / 4)  # of four comparisons, 0.3 against 0.5 alone is lost
    assert figures["eer"] == pytest.approx(0.5)
    assert (figures["tar"], figures["far"]) == (0.5, FAR)  # above 0.5, none is accepted falsely
    assert "accuracy" not in figures


def test_accuracy_is_the_mean_over_folds_at_the_others_thresholds() -> None:
    good = [pair(same, 0.8 if same else 0.1, fold) for fold in (8, 9) for same in (True, False)]
    poor = [pair(True, 0.2, 10), pair(False, 0.1, 10)]  # at the others' threshold of 0.45, one of two is right
    figures = pair_figures([*good, *poor])
    assert figures["accuracy"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert figures["accuracy_se"] == pytest.approx(math.sqrt(((1 / 6) ** 2 * 2 + (1 / 3) ** 2) / 2) / math.sqrt(3))


def test_folds_that_cannot_lend_each_other_a_threshold_have_no_accuracy() -> None:
    figures = pair_figures([pair(True, 0.8, 9), pair(False, 0.1, 10)])
    assert figures["auc"] == 1
    assert "accuracy" not in figures


@pytest.mark.parametrize("same", [True, False])
def test_pairs_of_one_kind_have_counts_alone(same: bool) -> None:
    figures = pair_figures([pair(same, 0.5), pair(same, None), pair(not same, None)])
    assert figures == {"n": 1, "failed": 2, "people": 1 if same else 2, "same": int(same)}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch, ("judge", "juror"))


def write(
    out: Path, photos: Sequence[dict[str, Any]], pairs: Sequence[dict[str, Any]], **given: Any
) -> list[dict[str, Any]]:
    options: dict[str, Any] = {"folds": (10,), "dataset": "lfw", "config": "settings", "seed": 0, "count": 3} | given
    method = [*photos, *pairs][0]["method"]
    dataset = Lfw(Path("data") / options["dataset"], Path("data/pairs.txt"))
    face = judged.stored(Path("ann.jpg"), "Ann/Ann_0001.jpg", judged.TEMPLATE_68, {})
    side = Side(method, {"ann": dataclasses.replace(face, assets={"a": "b"}, config_sha256=options["config"])})
    listed = {f"{number}.jpg": 10 for number in range(options["count"])}
    benchmark = Benchmark(dataset, tuple(options["folds"]), listed, ())
    settings = Settings("paper", 30, options["seed"], "central")
    return write_lfw_rows.fn(benchmark, side, photos, pairs, settings, out, "run")


def test_rows_name_what_made_them(world: World, tmp_path: Path) -> None:
    write(tmp_path, [photo("Ann", 0.5)], [pair(True, 0.5)], seed=7)
    expected = {
        "run_id": "run",
        "dataset": "lfw",
        "folds": [10],
        "photographs": 3,
        "network": "judge",
        "network_sha256": "hash of judge",
        "method": "fast",
        "preset": "paper",
        "iterations": 30,
        "face": "central",
        "seed": 7,
        "assets": [("a", "b")],
        "config_sha256": "settings",
        "units": "cosine",
    }
    for table in ("lfw_photos", "lfw_pairs", "lfw_summary"):
        rows = tables.read(tmp_path, table).to_pylist()
        assert [{name: row[name] for name in expected} for row in rows] == [expected] * len(rows) != []
    assert len(tables.read(tmp_path, "published")) > 20


def test_a_repeated_evaluation_replaces_its_rows_alone(world: World, tmp_path: Path) -> None:
    others: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"method": "ganfit"}, {}),
        ({"network": "juror"}, {}),
        ({}, {"config": "other settings"}),
        ({}, {"seed": 1}),
        ({}, {"dataset": "lfw-other"}),
        ({}, {"count": 2}),
        ({}, {"folds": (9, 10)}),
    ]
    write(tmp_path, [photo("Ann", 0.1)], [pair(True, 0.1)])
    for columns, given in others:
        write(tmp_path, [photo("Ann", 0.2, **columns)], [pair(True, 0.2, **columns)], **given)
    write(tmp_path, [photo("Ann", 0.3), photo("Bob", 0.3)], [pair(True, 0.3)])
    for table, again in (("lfw_photos", 2), ("lfw_pairs", 1)):
        cosines = Counter(row["cosine"] for row in tables.read(tmp_path, table).to_pylist())
        assert cosines == {0.2: len(others), 0.3: again}
    assert len(tables.read(tmp_path, "lfw_summary")) == 2 * (len(others) + 1)


def test_another_file_of_the_network_takes_the_rows_place(world: World, tmp_path: Path) -> None:
    write(tmp_path, [photo("Ann", 0.1)], [])
    world.hashes["judge"] = "another"
    write(tmp_path, [photo("Ann", 0.2)], [])
    (row,) = tables.read(tmp_path, "lfw_photos").to_pylist()
    assert (row["network_sha256"], row["cosine"]) == ("another", 0.2)


def test_each_network_has_a_summary_of_its_own_rows(world: World, tmp_path: Path) -> None:
    photos = [photo("Ann", 0.2), photo("Ann", 0.8, network="juror")]
    summaries = write(tmp_path, photos, [])
    assert {row["network"]: row["mean"] for row in summaries} == {"judge": 0.2, "juror": 0.8}
    assert not (tmp_path / "lfw_pairs").exists()
