"""Plans: what is computed, in which shards, and which rows are superseded."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from data import plan
from data.collections import Collection, Unit
from data.plan import Demand, Plan, make_plan

NOW = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
COLUMNS = pa.schema(
    [(name, pa.string()) for name in plan.ROW_COLUMNS if name != "created_at"]
    + [("created_at", pa.timestamp("us", tz="UTC")), ("part", pa.string()), ("row", pa.int64())]
)


def collection(*names: str, kind: Any = "photo") -> Collection:
    """Units of these names."""
    return Collection("photos", "key", tuple(Unit(name, Path("/photos", name), kind) for name in sorted(names)))


def key(kind: str, content: str | None) -> str | None:
    """The result that is wanted of a content."""
    return None if content is None else f"result of {content}"


def row(unit_id: str, content: str | None, **changes: Any) -> dict[str, Any]:
    """A row that is there."""
    return {
        "collection_key": "key",
        "unit_id": unit_id,
        "content_sha256": content,
        "result_key": key("photo", content),
        "status": "ok",
        "mesh": None,
        "overlay": None,
        "created_at": NOW,
        "part": "a",
        "row": 0,
        **changes,
    }


def made(
    units: Collection, contents: dict[str, str | None], *rows: dict[str, Any], earlier: Any = None, **demand: Any
) -> Plan:
    """A plan for shards of two."""
    table = pa.Table.from_pylist(list(rows), schema=COLUMNS)
    return make_plan(units, contents, table, earlier, Demand(key, **{"shard_size": 2, **demand}))


def names(made: Plan) -> list[list[str]]:
    """Of the units of each shard."""
    return [[unit.unit_id for unit in shard.units] for shard in made.shards]


def contents(*unit_ids: str) -> dict[str, str | None]:
    """Every unit has its own."""
    return {unit_id: f"content of {unit_id}" for unit_id in unit_ids}


def test_without_rows_everything_is_new() -> None:
    got = made(collection(*"abc"), contents(*"abc"))
    assert names(got) == [["a", "b"], ["c"]]
    assert got.reasons == {plan.NEW: 3}
    assert (got.units, got.missing, got.gone) == (3, 3, 0)


def test_videos_have_shards_of_their_own() -> None:
    got = made(collection(*"ab", kind="video"), contents(*"ab"))
    assert names(got) == [["a"], ["b"]]
    assert all(shard.videos for shard in got.shards)


@pytest.mark.parametrize(
    ("changes", "demand", "reason"),
    [
        ({}, {}, None),
        ({"status": "failed"}, {}, None),
        ({"status": "failed"}, {"retry_failed": True}, plan.FAILED),
        ({}, {"retry_failed": True}, None),
        ({}, {"again": True}, plan.AGAIN),
        ({"content_sha256": "other"}, {}, plan.CHANGED),
        ({"content_sha256": None, "result_key": None}, {}, plan.UNREADABLE),
        ({"status": "failed", "mesh": None}, {"file": "mesh"}, None),
        ({"result_key": "other"}, {}, plan.OUTDATED),
        ({"result_key": None}, {}, plan.OUTDATED),
        ({}, {"file": "mesh"}, plan.WITHOUT_FILES),
        ({"mesh": "faces/a/face.glb"}, {"file": "mesh"}, None),
        ({"status": "no_face"}, {"file": "mesh"}, None),
        ({"collection_key": "another"}, {}, plan.NEW),
        ({"unit_id": "b"}, {}, plan.NEW),
    ],
)
def test_a_unit_is_computed_for_a_reason(changes: dict[str, Any], demand: dict[str, Any], reason: str | None) -> None:
    got = made(collection("a"), contents("a"), {**row("a", "content of a"), **changes}, **demand)
    assert got.reasons == ({reason: 1} if reason else {})
    assert got.missing == (1 if reason else 0)


def test_one_row_of_the_wanted_result_is_enough_beside_older_ones() -> None:
    rows = [row("a", "content of a"), row("a", "older"), row("a", "oldest")]
    for order in (rows, rows[::-1]):
        assert made(collection("a"), contents("a"), *order).missing == 0


def test_units_that_are_gone_are_counted_and_not_computed() -> None:
    got = made(collection("a"), contents("a"), row("a", "content of a"), row("z", "content of z"))
    assert (got.gone, got.missing) == (1, 0)


def test_an_ended_run_goes_on_with_the_same_shards_whichever_were_done() -> None:
    first = made(collection(*"abcdef"), contents(*"abcdef"))
    for done in (0, 1, 2):
        rows = [row(unit.unit_id, f"content of {unit.unit_id}") for unit in first.shards[done].units]
        second = made(collection(*"abcdef"), contents(*"abcdef"), *rows, earlier=first.table)
        assert {shard.id for shard in second.shards} == {shard.id for shard in first.shards} - {first.shards[done].id}


def test_a_new_unit_does_not_move_the_others_to_other_shards() -> None:
    first = made(collection(*"bcde"), contents(*"bcde"))
    second = made(collection(*"abcde"), contents(*"abcde"), earlier=first.table)
    assert names(second) == [["b", "c"], ["d", "e"], ["a"]]


def test_the_shard_of_a_changed_unit_is_dissolved() -> None:
    first = made(collection(*"abcd"), contents(*"abcd"))
    changed = contents(*"abcd") | {"b": "new"}
    second = made(collection(*"abcd"), changed, earlier=first.table)
    assert names(second) == [["c", "d"], ["a", "b"]]
    assert second.shards[1].id != first.shards[0].id


def test_shards_of_an_earlier_plan_that_are_larger_than_asked_for_are_divided() -> None:
    first = made(collection(*"abcd"), contents(*"abcd"), shard_size=4)
    assert names(made(collection(*"abcd"), contents(*"abcd"), earlier=first.table)) == [["a", "b"], ["c", "d"]]


def test_a_stored_plan_remembers_contents_while_signatures_stay(tmp_path: Path) -> None:
    units = [Unit(name, Path(name), signature=f"signature of {name}") for name in "ab"]
    first = made(Collection("photos", "key", tuple(units)), contents(*"ab"))
    plan.store(first, tmp_path / "plans" / "p.parquet")
    stored = plan.stored(tmp_path / "plans" / "p.parquet")
    touched = [units[0], Unit("b", Path("b"), signature="another"), Unit("c", Path("c"), signature="new")]
    assert plan.known_contents(stored, touched) == {"a": "content of a"}
    unsigned = [Unit("a", Path("a"))]
    assert plan.known_contents(stored, unsigned) == {}


def test_a_damaged_plan_is_no_plan(tmp_path: Path) -> None:
    (tmp_path / "p.parquet").write_text("PAR1")
    assert plan.stored(tmp_path / "p.parquet") is plan.stored(tmp_path / "absent.parquet") is None


def test_of_several_faces_one_that_failed_or_lacks_its_file_is_enough() -> None:
    faces = [row("a", "content of a", mesh="face.glb", row=face) for face in range(3)]
    assert made(collection("a"), contents("a"), *faces, file="mesh", retry_failed=True).missing == 0
    for place in range(3):
        lacking = [{**face, "mesh": None} if face["row"] == place else face for face in faces]
        assert made(collection("a"), contents("a"), *lacking, file="mesh").reasons == {plan.WITHOUT_FILES: 1}
        failed = [{**face, "status": "failed"} if face["row"] == place else face for face in faces]
        assert made(collection("a"), contents("a"), *failed, retry_failed=True).reasons == {plan.FAILED: 1}


def test_what_was_read_before_and_cannot_be_now_is_left_alone() -> None:
    missing: dict[str, str | None] = {"a": None}
    assert made(collection("a"), missing, row("a", "content of a")).missing == 0
    assert made(collection("a"), missing, row("a", None)).reasons == {plan.UNREADABLE: 1}
    assert made(collection("a"), missing).reasons == {plan.NEW: 1}


def superseded(*rows: dict[str, Any], wanted: dict[str, str | None], prune: tuple[Any, ...] = ()) -> list[int]:
    """Places of superseded rows."""
    return plan.superseded(pa.Table.from_pylist(list(rows), schema=COLUMNS), "key", wanted, prune)


def test_rows_of_the_wanted_result_supersede_all_others() -> None:
    old = row("a", "old", part="a", created_at=NOW + datetime.timedelta(days=1))
    new = row("a", "new", part="b")
    assert superseded(old, new, wanted={"a": key("photo", "new")}) == [0]
    assert superseded(new, old, wanted={"a": key("photo", "new")}) == [1]


def test_while_the_wanted_result_is_not_there_the_latest_stays() -> None:
    old = row("a", "old", part="a")
    older = row("a", "older", part="b", created_at=NOW - datetime.timedelta(days=1))
    assert superseded(old, older, wanted={"a": "not yet"}) == [1]
    assert superseded(old, wanted={"a": "not yet"}) == []


def test_of_a_result_written_twice_one_part_stays_and_all_its_faces() -> None:
    rows = [row("a", "a", part=part, row=face) for part in "ab" for face in (0, 1)]
    assert superseded(*rows, wanted={"a": key("photo", "a")}) == [0, 1]


def test_rows_of_units_that_are_gone_go_only_on_request() -> None:
    rows = row("a", "a"), row("z", "z"), row("z", "z", collection_key="another")
    wanted = {"a": key("photo", "a")}
    assert superseded(*rows, wanted=wanted) == []
    assert superseded(*rows, wanted=wanted, prune=("photo",)) == [1]


def test_only_units_of_kinds_that_were_looked_for_are_gone() -> None:
    rows = row("a.jpg", "a"), row("b.mp4", "b")
    assert superseded(*rows, wanted={}, prune=("photo",)) == [0]
    assert superseded(*rows, wanted={}, prune=("photo", "video")) == [0, 1]


def test_a_content_that_could_be_read_once_is_not_superseded_by_a_failure_to_read() -> None:
    good = row("a", "a", part="a")
    lost = row("a", None, part="b", created_at=NOW + datetime.timedelta(days=1))
    assert superseded(good, lost, wanted={"a": None}) == [1]
