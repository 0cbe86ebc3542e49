"""The steps of the evaluation on LFW."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tasks.evaluate_lfw
from data.collections import discover
from data.lfw import Lfw, LfwError, Pair
from tasks.evaluate_lfw import (
    Benchmark,
    Side,
    collect_sides,
    compare_pairs,
    compare_renderings,
    embed,
    list_held_out,
    list_of,
    list_photographs,
    open_benchmark,
)
from tasks.likeness_names import PHOTOGRAPHS
from tasks.micc_recipes import MEAN_FACE
from tasks.stored_faces import StoredFace, stored_faces
from tests import judged
from tests.judged import GREEN, RED, WALL, WHITE, World

ANN_1, ANN_2, BOB, CAS = "Ann/Ann_0001.jpg", "Ann/Ann_0002.jpg", "Bob/Bob_0001.jpg", "Cas/Cas_0001.jpg"
DAN, EVE = "Dan/Dan_0001.jpg", "Eve/Eve_0001.jpg"
PAIRS = {
    9: ["Dan 1 1", "Dan 1 1", "Dan 1 Eve 1", "Dan 1 Eve 1"],
    10: ["Ann 1 2", "Ann 1 2", "Ann 1 Bob 1", "Ann 2 Cas 1"],
}
COLOURS = {"Ann 1": RED, "Ann 2": RED, "Bob 1": GREEN, "Cas 1": WALL, "Dan 1": RED, "Eve 1": GREEN}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def root(world: World, tmp_path: Path) -> Path:
    return judged.lfw(tmp_path / "data", COLOURS, PAIRS)


def stored(photo: str, **columns: Any) -> StoredFace:
    face = judged.stored(Path(photo), photo, judged.TEMPLATE_68, {})
    return dataclasses.replace(face, **columns)


def faceless(photo: str) -> StoredFace:
    return stored(photo, status="no_face", reason="no face found", landmarks=None, result_key=None, parameters=None)


def vectors(**colours: tuple[float, ...]) -> Mapping[str, Mapping[str, np.ndarray]]:
    names = {"ann_1": ANN_1, "ann_2": ANN_2, "bob": BOB, "cas": CAS}
    return {"judge": {names[name]: np.array(colour, np.float32) for name, colour in colours.items()}}


def test_a_benchmark_is_the_photographs_and_pairs_of_its_folds(root: Path) -> None:
    benchmark = open_benchmark.fn(root, [10], None)
    assert benchmark.dataset == Lfw(root / "lfw-small", root / "pairs.txt")
    assert benchmark.photographs == dict.fromkeys([ANN_1, ANN_2, BOB, CAS], 10)
    assert [(pair.fold, pair.same) for pair in benchmark.pairs] == [(10, True)] * 2 + [(10, False)] * 2
    both = open_benchmark.fn(root, [9, 10], None)
    assert both.photographs == {ANN_1: 10, ANN_2: 10, BOB: 10, CAS: 10, DAN: 9, EVE: 9}
    assert len(both.pairs) == 8


@pytest.mark.parametrize("count", [2, 3])
def test_a_number_of_photographs_shows_as_many_people_as_can_be(count: int, root: Path) -> None:
    benchmark = open_benchmark.fn(root, [10], count)
    assert len({photo.split("/")[0] for photo in benchmark.photographs}) == len(benchmark.photographs) == count
    assert all({pair.first, pair.second} <= set(benchmark.photographs) for pair in benchmark.pairs)
    assert not any(pair.same for pair in benchmark.pairs)


def test_another_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LfwError, match=r"no pairs.txt"):
        open_benchmark.fn(tmp_path, [10], None)


def test_lists_name_the_photographs_and_who_is_shown(root: Path, tmp_path: Path) -> None:
    benchmark = open_benchmark.fn(root, [10], None)
    for path in (
        list_photographs.fn(benchmark, tmp_path / "out", "fast"),
        list_held_out.fn(benchmark, tmp_path / "out"),
    ):
        units = discover([path]).units
        assert [unit.unit_id for unit in units] == [ANN_1, ANN_2, BOB, CAS]
        assert [unit.subject for unit in units] == ["Ann", "Ann", "Bob", "Cas"]
        assert all(unit.path.is_file() for unit in units)


def test_each_method_has_a_list_of_its_own(root: Path, tmp_path: Path) -> None:
    few, all_of_them = (open_benchmark.fn(root, [10], count) for count in (2, None))
    paths = [list_photographs.fn(few, tmp_path, "ganfit"), list_photographs.fn(all_of_them, tmp_path, "fast")]
    assert paths == [list_of(tmp_path, "ganfit"), list_of(tmp_path, "fast")]
    assert [len(discover([path]).units) for path in paths] == [2, 4]


@pytest.fixture
def reconstructed(root: Path, tmp_path: Path) -> tuple[Benchmark, Path]:
    """Fold 10 by two methods; a fit fails for Bob."""
    judged.photograph(root / "lfw-small" / BOB, WHITE)
    benchmark, out = open_benchmark.fn(root, [10], None), tmp_path / "out"
    for method in ("ganfit", "fast"):
        judged.reconstruct_here([str(list_photographs.fn(benchmark, out, method))], out, method)
    return benchmark, out


def test_the_photographs_and_the_mean_face_stand_beside_the_methods(
    reconstructed: tuple[Benchmark, Path],
) -> None:
    benchmark, out = reconstructed
    methods, fitted = [MEAN_FACE, "ganfit", "fast"], ["ganfit", "fast"]
    sides = {side.method: side for side in collect_sides.fn(benchmark, methods, fitted, "laptop", out)}
    assert list(sides) == [PHOTOGRAPHS, *methods]
    # neither photographs nor the mean face need a fit that succeeds
    assert {method: side.faces[BOB].ok for method, side in sides.items()} == {
        PHOTOGRAPHS: True,
        MEAN_FACE: True,
        "ganfit": False,
        "fast": True,
    }
    assert not any(side.faces[CAS].ok for side in sides.values())
    assert all(list(side.faces) == list(benchmark.photographs) for side in sides.values())


def test_where_a_face_is_another_method_tells_if_the_first_was_given_up(
    reconstructed: tuple[Benchmark, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, out = reconstructed

    def rows(folder: Path, method: str, collection: Any) -> dict[str, StoredFace]:
        found = stored_faces(folder, method, collection)
        given_up: dict[str, Any] = {
            "status": "failed",
            "reason": "no answer within 120 s",
            "landmarks": None,
            "parameters": None,
        }
        return found | ({ANN_1: dataclasses.replace(found[ANN_1], **given_up)} if method == "ganfit" else {})

    monkeypatch.setattr(tasks.evaluate_lfw, "stored_faces", rows)
    fitted = ["ganfit", "fast"]
    sides = {side.method: side for side in collect_sides.fn(benchmark, [MEAN_FACE, *fitted], fitted, "laptop", out)}
    ok = {method: side.faces[ANN_1].ok for method, side in sides.items()}
    assert ok == {PHOTOGRAPHS: True, MEAN_FACE: True, "ganfit": False, "fast": True}


def test_faces_that_are_not_there_are_not_embedded(reconstructed: tuple[Benchmark, Path], world: World) -> None:
    benchmark, out = reconstructed
    side = collect_sides.fn(benchmark, ["ganfit"], ["ganfit"], "laptop", out)[1]
    embedded = embed.fn(side, "rendering", ["judge"], "laptop", out, 1)
    assert sorted(embedded["judge"]) == [ANN_1, ANN_2]


BENCHMARK = Benchmark(
    Lfw(Path("lfw"), Path("pairs.txt")),
    (10,),
    dict.fromkeys([ANN_1, ANN_2, BOB, CAS], 10),
    (Pair(10, True, ANN_1, ANN_2), Pair(10, False, ANN_1, BOB), Pair(10, False, ANN_2, CAS)),
)
SIDE = Side("fast", {ANN_1: stored(ANN_1), ANN_2: stored(ANN_2), BOB: stored(BOB), CAS: faceless(CAS)})


def test_photographs_are_compared_with_their_own_renderings() -> None:
    photographs = vectors(ann_1=(1, 0), ann_2=(1, 0), bob=(0, 1))
    renderings = vectors(ann_1=(1, 0), ann_2=(0.6, 0.8), bob=(0, -1))
    rows = compare_renderings(BENCHMARK, SIDE, photographs, renderings)
    assert [row["unit_id"] for row in rows] == list(BENCHMARK.photographs)
    assert [row["cosine"] for row in rows] == [1, pytest.approx(0.6), -1, None]
    assert [row["status"] for row in rows] == ["ok", "ok", "ok", "no_face"]
    assert {row["protocol"] for row in rows} == {"lfw/photo-rendering"}
    assert rows[0]["result_key"] == f"result of {ANN_1}"
    mean = compare_renderings(BENCHMARK, dataclasses.replace(SIDE, method=MEAN_FACE), photographs, renderings)
    assert {row["result_key"] for row in mean} == {None}


@pytest.mark.parametrize(("method", "protocol"), [(PHOTOGRAPHS, "lfw/photo-pairs"), ("fast", "lfw/rendering-pairs")])
def test_pairs_are_compared_under_the_protocol_of_what_is_shown(method: str, protocol: str) -> None:
    embedded = vectors(ann_1=(1, 0), ann_2=(0.6, 0.8), bob=(0, 1))
    rows = compare_pairs(BENCHMARK, dataclasses.replace(SIDE, method=method), embedded)
    assert [row["cosine"] for row in rows] == [pytest.approx(0.6), 0, None]
    assert [row["status"] for row in rows] == ["ok", "ok", "no_face"]
    assert [(row["first"], row["second"], row["same"]) for row in rows] == [
        (pair.first, pair.second, pair.same) for pair in BENCHMARK.pairs
    ]
    assert CAS in rows[2]["reason"]
    assert {row["protocol"] for row in rows} == {protocol}


def test_what_vanished_since_it_was_fitted_is_a_row_with_its_reason() -> None:
    photographs = vectors(ann_1=(1, 0), ann_2=(np.nan, np.nan), bob=(np.nan, np.nan))
    renderings = vectors(ann_1=(1, 0), ann_2=(1, 0), bob=(1, 0))
    rows = {row["unit_id"]: row for row in compare_renderings(BENCHMARK, SIDE, photographs, renderings)}
    for photo in (ANN_2, BOB):
        assert (rows[photo]["status"], rows[photo]["cosine"]) == ("unreadable", None)
        assert rows[photo]["reason"]
    assert rows[ANN_1]["cosine"] == 1
    pairs = compare_pairs(BENCHMARK, SIDE, photographs)
    assert [row["status"] for row in pairs] == ["unreadable", "unreadable", "no_face"]
