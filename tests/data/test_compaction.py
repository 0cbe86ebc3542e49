"""Compaction: few sorted parts with the same rows, and nothing lost wherever it is cut short."""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet
import pytest

from data import compaction, manifest, schemas, tables
from data.compaction import Compacted, CompactionError, compact
from data.parts import PartError, survey
from data.verification import verify
from tests.data.stored import face, faces, flip_a_byte, frame, write, write_version_1

FOLDER = "reconstructions/method=ganfit/texture_model=gan"


def units(out: Path) -> list[list[str]]:
    """Units of each part, in the order of the rows."""
    sound, _ = survey(out, "reconstructions")
    return [pyarrow.parquet.read_table(out / part.path, partitioning=None)["unit_id"].to_pylist() for part in sound]


def content(out: Path, table: str = "reconstructions") -> pd.DataFrame:
    """All rows, in an order that does not depend on the parts."""
    frame = tables.read(out, table).to_pandas()
    by = [name for name in ("unit_id", "face_index", "frame", "run_id") if name in frame]
    return frame.sort_values(by).reset_index(drop=True)


def scattered(out: Path, count: int, size: int, seed: int = 0) -> None:
    """So many photographs in parts of this size, in no order among the parts."""
    names = [f"{number:03d}.jpg" for number in range(count)]
    random.Random(seed).shuffle(names)
    for start in range(0, count, size):
        write(out, [face(name) for name in sorted(names[start : start + size])], f"{start:04d}")


def test_many_parts_become_one_that_is_sorted_with_every_value_as_it_was(tmp_path: Path) -> None:
    scattered(tmp_path, 30, 4)
    before = content(tmp_path)
    assert compact(tmp_path) == [Compacted(FOLDER, parts_before=8, parts_after=1, rows=30, dropped=0)]
    assert units(tmp_path) == [[f"{number:03d}.jpg" for number in range(30)]]
    pd.testing.assert_frame_equal(content(tmp_path), before)
    assert verify(tmp_path) == []


def test_faces_of_a_photograph_stand_in_their_order(tmp_path: Path) -> None:
    write(tmp_path, [face("b.jpg", 1), face("a.jpg", 1)], "one")
    write(tmp_path, [face("b.jpg", 0), face("a.jpg", 0), face("c.jpg", None)], "two")
    compact(tmp_path)
    rows = tables.read(tmp_path).select(["unit_id", "face_index"]).to_pylist()
    found = [tuple(row.values()) for row in rows]
    assert found == [("a.jpg", 0), ("a.jpg", 1), ("b.jpg", 0), ("b.jpg", 1), ("c.jpg", None)]


def test_what_is_written_in_several_row_groups_is_sorted_throughout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compaction, "ROW_GROUP", 3)
    scattered(tmp_path, 20, 6)
    before = content(tmp_path)
    compact(tmp_path)
    (part,), _ = survey(tmp_path, "reconstructions")
    assert pyarrow.parquet.read_metadata(tmp_path / part.path).num_row_groups == 7
    assert units(tmp_path) == [sorted(before["unit_id"])]
    write(tmp_path, [face("0055.jpg"), face("010a.jpg")], "more")  # between others, so that groups are read in turns
    before = content(tmp_path)
    compact(tmp_path)
    assert units(tmp_path) == [sorted(before["unit_id"])]
    pd.testing.assert_frame_equal(content(tmp_path), before)


def test_only_the_row_groups_whose_rows_are_due_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROW_GROUP", 4)
    for start in range(0, 40, 4):
        write(tmp_path, [face(f"{number:03d}.jpg") for number in range(start, start + 4)], f"{start:03d}")
    read: list[str] = []
    real = compaction._read
    monkeypatch.setattr(compaction, "_read", lambda out, part, number: [read.append(part), real(out, part, number)][1])
    names = [part.path for part in survey(tmp_path, "reconstructions")[0]]
    for count, _ in enumerate(compaction._sorted_rows(tmp_path, "reconstructions", names), 1):
        assert len(read) == count


def test_parts_have_about_the_rows_asked_for_and_units_stay_together(tmp_path: Path) -> None:
    scattered(tmp_path, 40, 4)
    compact(tmp_path, rows_per_part=16)
    assert sorted(map(len, units(tmp_path))) == [8, 16, 16]
    assert all(part == sorted(part) for part in units(tmp_path))


def test_large_parts_are_left_alone_and_new_small_ones_merged(tmp_path: Path) -> None:
    scattered(tmp_path, 20, 5)
    compact(tmp_path, rows_per_part=20)
    (large,), _ = survey(tmp_path, "reconstructions")
    kept = (tmp_path / large.path).stat()
    for number in range(3):
        write(tmp_path, [face(f"new-{number}.jpg")], f"new-{number}")
    assert compact(tmp_path, rows_per_part=20) == [Compacted(FOLDER, 4, 2, 23, 0)]
    assert (tmp_path / large.path).stat().st_ino == kept.st_ino
    assert ["new-0.jpg", "new-1.jpg", "new-2.jpg"] in units(tmp_path)


def test_compacting_what_is_compact_writes_no_part(tmp_path: Path) -> None:
    scattered(tmp_path, 9, 2)
    compact(tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")}
    compact(tmp_path)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*.parquet")} == before


def test_older_versions_become_current_even_in_a_single_part(tmp_path: Path) -> None:
    write_version_1(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    compact(tmp_path)
    (part,), _ = survey(tmp_path, "reconstructions")
    assert (part.version, part.rows) == (3, 2)


def test_partitions_and_frames_are_compacted_apart(tmp_path: Path) -> None:
    for key in ("one", "two"):
        write(tmp_path, [face(f"{key}.jpg")], key)
        write(tmp_path, [face(f"{key}.jpg", method="fast", texture_model="pca")], key)
        write(tmp_path, [frame(f"{key}.mp4", number) for number in range(3)], key)
    before = content(tmp_path), content(tmp_path, "frames")
    done = compact(tmp_path)
    assert [(entry.parts_before, entry.parts_after, entry.rows) for entry in done] == [(2, 1, 2), (2, 1, 2), (2, 1, 6)]
    pd.testing.assert_frame_equal(content(tmp_path), before[0])
    pd.testing.assert_frame_equal(content(tmp_path, "frames"), before[1])


def test_vectors_of_differing_lengths_are_not_merged(tmp_path: Path) -> None:
    longer = schemas.reconstructions(schemas.Dimensions(identity=5, expression=2, texture=4))
    for key in "ab":
        write(tmp_path, [face(f"{key}.jpg")], key)
        tables.write_part([face(f"{key}-5.jpg", identity=[1.0] * 5)], longer, tmp_path, f"{key}5")
    compact(tmp_path)
    assert sorted(units(tmp_path)) == [["a-5.jpg", "b-5.jpg"], ["a.jpg", "b.jpg"]]


def test_tables_whose_parts_are_replaced_by_name_keep_their_parts(tmp_path: Path) -> None:
    row = dict.fromkeys(schemas.published().names, "x") | {"value": 1.0, "std": None}
    paths = [tables.write_part([row], schemas.published(), tmp_path, key) for key in ("one", "two")]
    assert compact(tmp_path) == []
    assert tables.part_files(tmp_path) == paths


def test_replaced_rows_and_doubles_go(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    write(tmp_path, [face("a.jpg")], "two")
    write(tmp_path, [face("b.jpg", run=1)], "three")
    assert compact(tmp_path) == [Compacted(FOLDER, 3, 1, 2, dropped=2)]
    assert faces(tmp_path) == [("a.jpg", 0, "run-0"), ("b.jpg", 0, "run-1")]


def test_leftovers_go_and_the_manifest_has_a_line_for_each_part(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg")], "one", recorded=False)
    (tmp_path / name).with_name(".part-two-00000.parquet.0123").write_bytes(b"PAR1 half")
    (tmp_path / f".{manifest.NAME}.0123").write_bytes(b"{")
    compact(tmp_path)
    assert list(manifest.entries(tmp_path)) == [name]
    assert len((tmp_path / manifest.NAME).read_bytes().splitlines()) == 1
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_a_lost_part_is_not_forgotten(tmp_path: Path) -> None:
    lost, _ = (write(tmp_path, [face(f"{key}.jpg")], key) for key in ("one", "two"))
    (tmp_path / lost).unlink()
    compact(tmp_path)
    assert [(finding.kind, finding.path) for finding in verify(tmp_path)] == [("missing", lost)]


def test_damaged_parts_are_named_before_anything_is_touched(tmp_path: Path) -> None:
    scattered(tmp_path, 6, 2)
    (first, *_), _ = survey(tmp_path, "reconstructions")
    os.truncate(tmp_path / first.path, 100)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(CompactionError, match=r"part-0000-00000.parquet is damaged \(truncated\)"):
        compact(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


class Killed(BaseException):
    """In place of a kill."""


def die_at(step: int, patch: pytest.MonkeyPatch) -> None:
    """From the operation on the disk with this number on, nothing reaches the disk any more."""
    count = itertools.count()

    def mortal(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **options: Any) -> Any:
            if next(count) >= step:
                raise Killed
            return operation(*arguments, **options)

        return run

    for owner, name in ((os, "replace"), (manifest, "_append"), (Path, "unlink")):
        patch.setattr(owner, name, mortal(getattr(owner, name)))


def test_cut_short_at_any_moment_it_loses_nothing_and_the_next_one_heals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # a kill leaves what was written, forced to disk or not
    whole = tmp_path / "whole"
    scattered(whole, 6, 3)
    write(whole, [face("000.jpg", run=1), face("001.jpg")], "again")
    write_version_1(whole, [face("old.jpg")], "old")
    write(whole, [face("late.jpg")], "late", recorded=False)
    shutil.copytree(whole, tmp_path / "undisturbed")
    compact(tmp_path / "undisturbed", 5)
    expected = content(tmp_path / "undisturbed")
    assert len(expected) == 8
    for step in itertools.count():
        out = shutil.copytree(whole, tmp_path / str(step))
        with pytest.MonkeyPatch.context() as patch:
            die_at(step, patch)
            try:
                compact(out, 5)
            except Killed:
                pass
            else:
                break
        assert survey(out, "reconstructions")[1] == []  # what is there is whole, and the journal claims nothing wrong
        assert set(content(out)["unit_id"]) == set(expected["unit_id"])
        compact(out, 5)
        pd.testing.assert_frame_equal(content(out), expected)
        assert verify(out) == []
    assert step > 12


def test_a_part_whose_rows_cannot_be_read_stays_as_it_is(tmp_path: Path) -> None:
    names = [write(tmp_path, [face(f"{key}-{number}.jpg") for number in range(9)], key) for key in ("one", "two")]
    flip_a_byte(tmp_path / names[0])
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(PartError, match="part-one"):
        compact(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
