"""From photographs and pairs to the three tables, with stand-ins for the models; figures are worked out by hand."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from data import tables
from data.assets import AssetError, MissingAssetError
from data.lock import LockedError, locked
from flows.evaluate_lfw import evaluate_lfw
from tasks.micc_recipes import MEAN_FACE
from tests import judged
from tests.judged import GREEN, RED, WALL, WHITE, World

BLUE = (0, 0, 200)
PHOTOGRAPHS = {
    "Ann 1": RED,
    "Ann 2": RED,
    "Bob 1": GREEN,
    "Bob 2": GREEN,
    "Cas 1": WALL,  # no face
    "Dan 1": RED,
    "Dan 2": BLUE,
    "Eve 1": GREEN,
    "Fay 1": WHITE,  # no fit
}
FOLDS = {
    9: ["Dan 1 2", "Dan 1 2", "Dan 1 Eve 1", "Dan 2 Fay 1"],
    10: ["Ann 1 2", "Bob 1 2", "Ann 1 Bob 1", "Ann 2 Cas 1"],
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return judged.lfw(tmp_path / "data", PHOTOGRAPHS, FOLDS)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def rows(out: Path, table: str, **columns: Any) -> list[dict[str, Any]]:
    """Those of a table that have these values."""
    found = tables.read(out, table).to_pylist()
    return [row for row in found if all(row[name] == value for name, value in columns.items())]


def path_of(photo: str) -> str:
    name, number = photo.split()
    return f"{name}/{name}_000{number}.jpg"


def comparable(out: Path) -> dict[str, list[dict[str, Any]]]:
    """The tables without what tells when they were made."""
    when = ("run_id", "created_at")
    return {
        table: [{name: value for name, value in row.items() if name not in when} for row in rows(out, table)]
        for table in ("lfw_photos", "lfw_pairs", "lfw_summary")
    }


def test_every_photograph_is_a_row_with_its_cosine_or_reason(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, [MEAN_FACE, "fast", "ganfit"], folds=[10])
    for method, cosine in ((MEAN_FACE, 1 / math.sqrt(3)), ("fast", 0.8), ("ganfit", 1.0)):
        found = {row["unit_id"]: row for row in rows(out, "lfw_photos", method=method)}
        assert sorted(found) == [path_of(f"{name} {n}") for name in ("Ann", "Bob") for n in (1, 2)] + [path_of("Cas 1")]
        faceless = found.pop("Cas/Cas_0001.jpg")
        assert (faceless["status"], faceless["cosine"]) == ("no_face", None)
        assert "no face found" in faceless["reason"]
        for row in found.values():
            assert (row["status"], row["fold"], row["network"]) == ("ok", 10, "judge")
            assert row["cosine"] == pytest.approx(cosine, abs=1e-6)
            assert (row["result_key"] is None) == (method == MEAN_FACE)
            assert row["subject"] == row["unit_id"].split("/")[0]


def test_every_pair_is_a_row_with_its_cosine_or_whose_photograph_lacks_what(
    world: World, root: Path, out: Path
) -> None:
    evaluate_lfw.fn(root, out, ["fast"], folds=[10])
    # of renderings, the reference view's: what the expression added is gone
    for method, protocol in (("photographs", "lfw/photo-pairs"), ("fast", "lfw/rendering-pairs")):
        found = rows(out, "lfw_pairs", method=method)
        assert [row["cosine"] for row in found] == [pytest.approx(1), pytest.approx(1), pytest.approx(0), None]
        assert [row["same"] for row in found] == [True, True, False, False]
        assert {row["protocol"] for row in found} == {protocol}
        assert (found[3]["status"], found[3]["reason"]) == ("no_face", "Cas/Cas_0001.jpg: no face found")


def test_summaries_are_what_the_rows_come_to(world: World, root: Path, out: Path) -> None:
    summaries = {row["protocol"]: row for row in evaluate_lfw.fn(root, out, ["fast"], folds=[9, 10])}
    stored = {row["protocol"]: row for row in rows(out, "lfw_summary")}
    assert set(summaries) == set(stored) == {"lfw/photo-pairs", "lfw/photo-rendering", "lfw/rendering-pairs"}
    photos = stored["lfw/photo-rendering"]
    # a regression leaves the colours of Dan's second photograph and of Fay's as they are
    assert (photos["n"], photos["failed"], photos["people"], photos["folds"]) == (8, 1, 5, [9, 10])
    assert photos["mean"] == pytest.approx((6 * 0.8 + 2) / 8, abs=1e-6)
    assert photos["mean_over_people"] == pytest.approx((3 * 0.8 + 0.9 + 1) / 5, abs=1e-6)
    assert photos["std"] == pytest.approx(math.sqrt(0.0075), abs=1e-6)
    pairs = stored["lfw/rendering-pairs"]
    assert (pairs["n"], pairs["failed"], pairs["same"], pairs["people"]) == (7, 1, 4, 5)
    assert pairs["same_mean"] == pytest.approx(0.5, abs=1e-6)  # 1 for Ann and Bob, 0 for Dan, twice
    assert pairs["accuracy"] is not None


def test_a_fit_that_fails_is_a_row_and_so_are_its_pairs(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[9])
    (failed,) = rows(out, "lfw_photos", unit_id="Fay/Fay_0001.jpg")
    assert (failed["status"], failed["cosine"]) == ("failed", None)
    assert "energy is not finite" in failed["reason"]
    (pair,) = rows(out, "lfw_pairs", method="ganfit", second="Fay/Fay_0001.jpg")
    assert (pair["status"], pair["cosine"]) == ("failed", None)
    assert pair["reason"].startswith("Fay/Fay_0001.jpg: ")
    (real,) = rows(out, "lfw_pairs", method="photographs", second="Fay/Fay_0001.jpg")
    assert real["status"] == "ok"  # a face was found, and no fit is needed to compare photographs


def test_a_photograph_that_cannot_be_read_is_a_row(world: World, root: Path, out: Path) -> None:
    (root / "lfw-small/Ann/Ann_0002.jpg").write_bytes(b"no picture")
    (root / "lfw-small/Bob/Bob_0002.jpg").unlink()
    evaluate_lfw.fn(root, out, ["fast"], folds=[10])
    assert Counter(row["status"] for row in rows(out, "lfw_photos")) == {"ok": 2, "unreadable": 2, "no_face": 1}
    assert Counter(row["status"] for row in rows(out, "lfw_pairs", method="fast")) == {"ok": 1, "unreadable": 3}


def test_the_same_command_computes_nothing_and_leaves_the_same_tables(world: World, root: Path, out: Path) -> None:
    def evaluate() -> None:
        evaluate_lfw.fn(root, out, [MEAN_FACE, "ganfit"], folds=[10])

    evaluate()
    before = comparable(out)
    # 4 faces, each with its mirror image: photographs, and two views of two methods
    assert world.asked() == (2 * 4 * 5, 4)
    evaluate()
    assert world.asked() == (0, 0)
    assert comparable(out) == before


def test_another_file_of_the_network_is_asked_anew_and_its_rows_take_the_place(
    world: World, root: Path, out: Path
) -> None:
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    world.asked()
    world.hashes["judge"] = "another hash"
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    assert world.asked() == (2 * 4 * 3, 0)
    for table in ("lfw_photos", "lfw_pairs", "lfw_summary"):
        assert {row["network_sha256"] for row in rows(out, table)} == {"another hash"}


def test_a_photograph_that_changed_is_fitted_and_judged_anew(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, ["fast"], folds=[10])
    judged.photograph(root / "lfw-small/Bob/Bob_0002.jpg", RED)
    evaluate_lfw.fn(root, out, ["fast"], folds=[10])
    for method in ("photographs", "fast"):
        found = [row["cosine"] for row in rows(out, "lfw_pairs", method=method)]
        assert found == [pytest.approx(1), pytest.approx(0), pytest.approx(0), None]


def test_other_models_of_the_reconstructions_are_judged_anew(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    world.asked()
    world.loss["morphable"] = "another"
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    assert world.asked() == (2 * 4 * 2, 4)  # the photographs are what they were
    assert dict(rows(out, "lfw_summary", method="ganfit")[0]["assets"])["morphable"] == "another"


def test_methods_keep_their_rows_when_another_is_evaluated(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, [MEAN_FACE, "fast"], folds=[10])
    before = {method: rows(out, "lfw_photos", method=method) for method in (MEAN_FACE, "fast")}
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    assert {method: rows(out, "lfw_photos", method=method) for method in before} == before
    assert Counter(row["method"] for row in rows(out, "lfw_photos")) == {MEAN_FACE: 5, "fast": 5, "ganfit": 5}


def test_a_run_over_more_folds_stands_beside_that_over_one_and_computes_the_rest_alone(
    world: World, root: Path, out: Path
) -> None:
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    before = {table: rows(out, table) for table in ("lfw_photos", "lfw_pairs", "lfw_summary")}
    assert world.asked()[1] == 4
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[9, 10])
    assert world.asked()[1] == 4 + 4  # those of fold 9 alone: together, and as one failed, one by one
    for table, found in before.items():
        assert rows(out, table, folds=[10]) == found
    assert Counter(row["fold"] for row in rows(out, "lfw_photos", folds=[9, 10])) == {9: 4, 10: 5}
    assert Counter(row["fold"] for row in rows(out, "lfw_pairs", folds=[9, 10], method="ganfit")) == {9: 4, 10: 4}


def test_a_number_of_photographs_is_of_as_many_people_and_of_the_pairs_among_them(
    world: World, root: Path, out: Path
) -> None:
    (photos, *_) = (
        row
        for row in evaluate_lfw.fn(root, out, ["fast"], folds=[10], photographs=3)
        if row["protocol"] == "lfw/photo-rendering"
    )
    assert (photos["n"] + photos["failed"], photos["people"]) == (3, 2)
    (pair,) = rows(out, "lfw_pairs", method="fast")
    assert (pair["first"], pair["second"]) == (path_of("Ann 1"), path_of("Bob 1"))


def test_several_networks_each_have_their_rows(monkeypatch: pytest.MonkeyPatch, root: Path, out: Path) -> None:
    judged.install(monkeypatch, ("judge", "juror"))
    evaluate_lfw.fn(root, out, ["fast"], folds=[10])
    assert Counter(row["network"] for row in rows(out, "lfw_photos")) == {"judge": 5, "juror": 5}


def test_a_network_that_is_not_here_is_told_before_anything_is_fitted(world: World, root: Path, out: Path) -> None:
    with pytest.raises(MissingAssetError, match="it can be had elsewhere"):
        evaluate_lfw.fn(root, out, ["ganfit"], ["sface"], folds=[10])
    assert world.asked() == (0, 0)


@pytest.mark.parametrize("methods", [["ganfit"], [MEAN_FACE]])
def test_a_network_of_the_energy_is_refused_before_anything_is_fitted(
    methods: list[str], world: World, root: Path, out: Path
) -> None:
    world.loss["identity"] = world.hashes["judge"]
    with pytest.raises(AssetError, match="judge is part of the energy"):
        evaluate_lfw.fn(root, out, methods, folds=[10])
    assert not out.exists()
    assert world.asked() == (0, 0)


def test_rows_name_the_settings_that_were_asked_for(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, [MEAN_FACE, "ganfit"], folds=[10], photographs=3, iterations=7, seed=5)
    for table in ("lfw_photos", "lfw_pairs", "lfw_summary"):
        for row in rows(out, table):
            iterations = 7 if row["method"] == "ganfit" else None  # nothing else is fitted
            assert (row["preset"], row["iterations"], row["seed"], row["face"]) == ("laptop", iterations, 5, "central")
            assert (row["folds"], row["photographs"]) == ([10], 3)


@pytest.mark.parametrize("change", [{"iterations": 7}, {"seed": 5}, {"photographs": 3}])
def test_rows_of_other_settings_stand_beside_each_other(
    change: dict[str, Any], world: World, root: Path, out: Path
) -> None:
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10])
    before = rows(out, "lfw_summary", method="ganfit")
    evaluate_lfw.fn(root, out, ["ganfit"], folds=[10], **change)
    after = rows(out, "lfw_summary", method="ganfit")
    assert len(after) == 2 * len(before)
    assert all(row in after for row in before)


def test_a_fit_that_fails_in_one_method_alone_leaves_the_other_its_row(world: World, root: Path, out: Path) -> None:
    evaluate_lfw.fn(root, out, ["ganfit", "fast"], folds=[9])
    statuses = {row["method"]: row["status"] for row in rows(out, "lfw_photos", unit_id=path_of("Fay 1"))}
    assert statuses == {"ganfit": "failed", "fast": "ok"}


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_is_at_work(
    world: World, root: Path, out: Path
) -> None:
    with locked(out / "photographs", "another"), pytest.raises(LockedError):
        evaluate_lfw.fn(root, out, ["fast"], folds=[10])
    assert evaluate_lfw.fn(root, out, ["fast"], folds=[10])
