"""The steps of the evaluation of image quality."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data import tables
from data.collections import Collection, CollectionError, discover
from ganfit_core.corruption import CORRUPTIONS
from tasks import evaluate_quality
from tasks.corrupt_photographs import Copies, Drawn
from tasks.evaluate_quality import (
    CORRUPTED,
    Condition,
    check_corruptions,
    collect_clean,
    collect_faces,
    leave_one_out_conditions,
    list_collection,
    measure_condition,
    write_quality_rows,
)
from tasks.likeness_settings import Settings
from tasks.measure_quality import Chunk
from tasks.micc_recipes import ABLATION, MEAN_FACE
from tasks.stored_faces import StoredFace
from tests import judged
from tests.judged import GREEN, RED, WALL, WHITE, World

LAPTOP = Settings("laptop", None, 0, "largest")
FIGURES = {
    "psnr_db": 20.0,
    "ssim": 0.5,
    "mae": 0.25,
    "mask_pixels": 9,
    "landmark_error_pct": 1.0,
    "cosines": {"judge": 0.5},
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for name, colour in {"ann.png": RED, "bob.png": GREEN, "cas.png": WALL}.items():
        judged.photograph(tmp_path / "photographs" / name, colour)
    return tmp_path / "photographs"


def face(name: str, **columns: Any) -> StoredFace:
    return dataclasses.replace(judged.stored(Path(name), name, judged.TEMPLATE_68, {}), **columns)


def faceless(name: str) -> StoredFace:
    gone = {"landmarks": None, "result_key": None, "parameters": None}
    return face(name, status="no_face", stage="detect", reason="no face found", **gone)


def test_every_condition_is_a_corruption_or_none() -> None:
    assert ("none", *CORRUPTIONS) == CORRUPTED


def test_an_unknown_corruption_is_told_with_the_known_ones() -> None:
    check_corruptions.fn(CORRUPTED)
    with pytest.raises(ValueError, match="no such corruption: rain, snow; there are none, glasses"):
        check_corruptions.fn(["snow", "none", "rain"])


def test_conditions_whose_rows_would_replace_each_other_have_folders_of_their_own() -> None:
    conditions = [Condition("fast", corruption) for corruption in CORRUPTED] + leave_one_out_conditions("ganfit++")[1:]
    folders = [condition.folder for condition in conditions]
    assert len(set(folders)) == len(folders) == 9 + 9
    assert Condition("fast").folder == Condition("ganfit").folder  # rows name their method


def test_the_ablation_is_the_whole_energy_and_the_nine_rows_of_table_1() -> None:
    assert [condition.without for condition in leave_one_out_conditions("ganfit++")] == [(), *ABLATION]
    assert {(condition.method, condition.corruption) for condition in leave_one_out_conditions("ganfit++")} == {
        ("ganfit++", "none")
    }


def test_a_draw_is_of_the_whole_collection_in_its_order_and_the_same_every_time(
    photographs: Path, tmp_path: Path
) -> None:
    for number in range(20):
        judged.photograph(photographs / f"{number:02d}.png", RED)

    def drawn(count: int | None) -> list[str]:
        path = list_collection.fn([str(photographs)], count, tmp_path / "out")
        return [unit.unit_id for unit in discover([path]).units]

    first = drawn(5)
    assert first == drawn(5) == sorted(first)
    assert len(first) == 5
    assert first != drawn(None)[:5]
    assert len(drawn(None)) == len(drawn(100)) == 23


def test_results_within_the_collections_folder_are_no_photographs_of_it(photographs: Path) -> None:
    out = photographs / "out"
    judged.photograph(out / "corrupted" / "noise" / "ann.png", RED)
    listing = list_collection.fn([str(photographs)], None, out)
    assert [unit.unit_id for unit in discover([listing]).units] == ["ann.png", "bob.png", "cas.png"]


def test_a_folder_without_photographs_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CollectionError):
        list_collection.fn([str(tmp_path / "nothing")], None, tmp_path / "out")


def test_faces_come_in_the_lists_order_and_the_mean_faces_are_another_methods(
    world: World, photographs: Path, tmp_path: Path
) -> None:
    out, listing = tmp_path / "out", list_collection.fn([str(photographs)], None, tmp_path / "out")
    judged.reconstruct_here([str(listing)], out / Condition("fast").folder, "fast")
    faces = collect_faces.fn(listing, Condition("fast"), "fast", LAPTOP, out)
    assert [face.unit_id for face in faces] == ["ann.png", "bob.png", "cas.png"]
    assert [face.ok for face in faces] == [True, True, False]
    mean = collect_faces.fn(listing, Condition(MEAN_FACE), "fast", LAPTOP, out)
    assert [face.ok for face in mean] == [True, True, False]
    for one, other in zip(mean, faces, strict=True):
        assert (one.result_key, one.unit, one.content_sha256) == (None, other.unit, other.content_sha256)


def test_a_photograph_is_clean_wherever_a_face_was_found_whatever_came_of_its_fit(
    world: World, photographs: Path, tmp_path: Path
) -> None:
    judged.photograph(photographs / "fay.png", WHITE)
    out, listing = tmp_path / "out", list_collection.fn([str(photographs)], None, tmp_path / "out")
    judged.reconstruct_here([str(listing)], out / Condition("ganfit").folder, "ganfit")
    clean = collect_clean.fn(listing, "ganfit", LAPTOP, out)
    fitted = collect_faces.fn(listing, Condition("ganfit"), "ganfit", LAPTOP, out)
    assert [face.ok for face in clean] == [True, True, False, True]
    assert [face.ok for face in fitted] == [True, True, False, False]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Chunk]:
    """What is asked of a stand-in that measures the same of everything."""
    chunks: list[Chunk] = []

    def measure(chunk: Chunk, networks: Sequence[str], preset: str, folder: Path) -> list[dict[str, Any]]:
        chunks.append(chunk)
        return [dict(FIGURES) for _ in chunk.comparisons]

    monkeypatch.setattr(evaluate_quality, "measure_chunk", measure)
    return chunks


def measure(
    clean: Sequence[StoredFace],
    fitted: Sequence[StoredFace],
    copies: Copies | None = None,
    condition: Condition | None = None,
) -> dict[str, dict[str, Any]]:
    rows = measure_condition.fn(
        condition or Condition("fast"), clean, fitted, copies, ["judge"], "laptop", Path("out"), 1
    )
    assert [row["unit_id"] for row in rows] == [face.unit_id for face in clean]
    return {row["unit_id"]: row for row in rows}


def test_only_what_was_found_and_fitted_is_measured(world: World, measured: list[Chunk]) -> None:
    clean = [face("ann"), face("bob"), faceless("cas")]
    failed = face("bob", status="failed", stage="fit", reason="the energy is not finite", parameters=None)
    rows = measure(clean, [face("ann"), failed, faceless("cas")])
    assert [comparison.clean.unit_id for chunk in measured for comparison in chunk.comparisons] == ["ann"]
    assert {name: row["status"] for name, row in rows.items()} == {"ann": "ok", "bob": "failed", "cas": "no_face"}
    assert rows["ann"]["mae"] == 0.25
    assert "mae" not in rows["bob"]
    assert (rows["bob"]["stage"], rows["bob"]["reason"]) == ("fit", "the energy is not finite")


def test_many_photographs_are_measured_in_chunks_and_each_keeps_its_figures(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def number(chunk: Chunk, **_: Any) -> list[dict[str, Any]]:
        return [{"mae": float(comparison.clean.unit_id)} for comparison in chunk.comparisons]

    monkeypatch.setattr(evaluate_quality, "measure_chunk", number)
    faces = [face(f"{number}") for number in range(2 * evaluate_quality.CHUNK + 1)]
    assert all(row["mae"] == float(name) for name, row in measure(faces, faces[::-1]).items())


def test_a_corrupted_photograph_says_what_was_done_and_why_not(world: World, measured: list[Chunk]) -> None:
    done = {"ann": Drawn(5, {"strength": 0.5}, 0.25, "key"), "bob": Drawn(6, {"strength": 0.75}, 1.0, "key")}
    copies = Copies(Path("noise.csv"), done, {"dan": "the face lies outside the photograph"})
    clean = [face("ann"), face("bob"), faceless("cas"), face("dan")]
    rows = measure(clean, [face("ann"), faceless("bob")], copies, Condition("fast", "noise"))
    assert (rows["ann"]["corruption_seed"], rows["ann"]["covered"]) == (5, 0.25)
    assert dict(rows["ann"]["corruption_parameters"]) == {"strength": 0.5}
    assert (rows["bob"]["status"], rows["bob"]["covered"]) == ("no_face", 1.0)
    assert (rows["cas"]["status"], rows["cas"]["corruption_seed"]) == ("no_face", None)
    assert (rows["dan"]["status"], rows["dan"]["stage"]) == ("failed", "corrupt")
    assert rows["dan"]["reason"] == "the face lies outside the photograph"
    assert {row["corruption"] for row in rows.values()} == {"noise"}


def test_every_row_names_the_models_and_settings_of_its_condition(world: World, measured: list[Chunk]) -> None:
    clean = [dataclasses.replace(found, assets={"a": "clean"}) for found in (face("ann"), faceless("cas"), face("dan"))]
    made = dataclasses.replace(face("ann"), assets={"a": "fitted"}, config_sha256="of the fit")
    for row in measure(clean, [made]).values():
        assert (row["assets"], row["config_sha256"]) == ([("a", "fitted")], "of the fit")


def test_without_any_copy_every_photograph_has_its_reason(world: World, measured: list[Chunk]) -> None:
    copies = Copies(Path("noise.csv"), {}, {"ann": "the face lies outside the photograph"})
    rows = measure([face("ann"), faceless("cas")], [], copies, Condition("fast", "noise"))
    assert {name: row["status"] for name, row in rows.items()} == {"ann": "failed", "cas": "no_face"}
    assert not measured


def collection(name: str = "photographs") -> Collection:
    return Collection(name, f"key of {name}", ())


def write(out: Path, rows: dict[str, dict[str, Any]], **given: Any) -> list[dict[str, Any]]:
    options: dict[str, Any] = {"collection": collection(), "settings": LAPTOP} | given
    return write_quality_rows.fn(list(rows.values()), options["collection"], ["judge"], options["settings"], out, "run")


def test_rows_have_every_column_and_name_what_made_them(world: World, measured: list[Chunk], tmp_path: Path) -> None:
    write(
        tmp_path,
        measure([face("ann"), faceless("cas")], [face("ann"), faceless("cas")]),
        settings=Settings("paper", 30, 7, "central"),
    )
    ann, cas = tables.read(tmp_path, "image_quality").to_pylist()
    assert (ann["dataset"], ann["preset"], ann["iterations"]) == ("photographs", "paper", 30)
    assert (ann["seed"], ann["face"], ann["config_sha256"]) == (7, "central", "settings")
    assert ann["protocol"] == "quality/clean-reference"
    assert dict(ann["networks"]) == {"judge": "hash of judge"}
    assert dict(ann["cosines"]) == {"judge": 0.5}
    assert {name: ann[name] for name in FIGURES if name != "cosines"} == {
        name: value for name, value in FIGURES.items() if name != "cosines"
    }
    assert (cas["mae"], cas["cosines"], cas["psnr_db"]) == (None, [], None)
    assert len(tables.read(tmp_path, "published")) > 20


def test_a_repeated_condition_replaces_its_rows_alone(world: World, measured: list[Chunk], tmp_path: Path) -> None:
    ann = face("ann")
    conditions = [
        Condition("fast"),
        Condition("ganfit"),
        Condition(MEAN_FACE),
        Condition("fast", "noise"),
        Condition("ganfit", without=("pixel",)),
        Condition("ganfit", without=("pixel", "landmark")),
    ]
    for condition in conditions:
        write(tmp_path, measure([ann], [ann], condition=condition))
    elsewhere = dataclasses.replace(ann, config_sha256="other settings")
    write(tmp_path, measure([elsewhere], [elsewhere]))
    others: list[dict[str, Any]] = [
        {"settings": dataclasses.replace(LAPTOP, seed=1)},
        {"collection": collection("others")},
    ]
    for given in others:
        write(tmp_path, measure([ann], [ann]), **given)
    apart = len(conditions) + len(others) + 1
    assert len(tables.read(tmp_path, "image_quality")) == apart
    for condition in conditions:
        write(tmp_path, measure([ann], [ann], condition=condition))
    assert len(tables.read(tmp_path, "image_quality")) == apart
    for condition in conditions:  # another number of photographs
        write(tmp_path, measure([ann, face("bob")], [ann, face("bob")], condition=condition))
    counts = Counter(row["unit_id"] for row in tables.read(tmp_path, "image_quality").to_pylist())
    assert counts == {"ann": apart + len(conditions), "bob": len(conditions)}


def test_the_mean_face_has_no_iterations(world: World, measured: list[Chunk], tmp_path: Path) -> None:
    settings = dataclasses.replace(LAPTOP, iterations=20)
    for method in ("ganfit", MEAN_FACE):
        write(tmp_path, measure([face("ann")], [face("ann")], condition=Condition(method)), settings=settings)
    rows = tables.read(tmp_path, "image_quality").to_pylist()
    assert {row["method"]: row["iterations"] for row in rows} == {"ganfit": 20, MEAN_FACE: None}


def test_no_result_key_is_told_of_the_mean_face(world: World, measured: list[Chunk]) -> None:
    ann = face("ann")
    assert measure([ann], [ann])["ann"]["result_key"] == "result of ann"
    assert measure([ann], [ann], condition=Condition(MEAN_FACE))["ann"]["result_key"] is None
