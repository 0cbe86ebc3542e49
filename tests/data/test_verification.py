"""Verification: every kind of damage is found, named, and healed by what it says heals it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from data import manifest, schemas, tables
from data.compaction import compact
from data.migrations import NewerVersionError, stored
from data.parts import columns_of, set_aside
from data.verification import HEALED_BY, Finding, to_set_aside, verify
from tests.data.stored import SCHEMA, face, faces, flip_a_byte, frame, write, write_as, write_version_1

FOLDER = "reconstructions/method=ganfit/texture_model=gan"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A sound folder: three parts, one of them of `frames`, and the files that the rows name."""
    write(tmp_path, [face("a.jpg", mesh="faces/a/face.glb", overlay="faces/a/overlay.png"), face("b.jpg")], "one")
    write(tmp_path, [face("c.jpg", None)], "two")
    write(tmp_path, [frame("v.mp4", number) for number in range(3)], "one")
    (tmp_path / "faces/a").mkdir(parents=True)
    for name in ("face.glb", "overlay.png"):
        (tmp_path / "faces/a" / name).write_bytes(b"here")
    return tmp_path


def name(key: str) -> str:
    return f"{FOLDER}/part-{key}-00000.parquet"


def cut(out: Path) -> None:
    (out / name("one")).write_bytes((out / name("one")).read_bytes()[:-4])


def cut_an_unrecorded_one(out: Path) -> None:
    manifest.forget(out, [name("one")])
    cut(out)


def alter(out: Path) -> None:
    flip_a_byte(out / name("one"))


def alter_an_unrecorded_one(out: Path) -> None:
    manifest.forget(out, [name("one")])
    alter(out)


def lose(out: Path) -> None:
    (out / name("one")).unlink()


def replace_by_other_rows(out: Path) -> None:
    (out / name("one")).write_bytes((out / name("two")).read_bytes())


def lose_files(out: Path) -> None:
    for path in (out / "faces/a").iterdir():
        path.unlink()


def compute_twice(out: Path) -> None:
    write(out, [face("a.jpg", run=1)], "again")


def forget(out: Path) -> None:
    manifest.forget(out, [name("one")])


def write_old(out: Path) -> None:
    part = write_version_1(out, [face("old.jpg")], "old")
    manifest.record(out, [out / part], "run-0")


def interrupt_a_write(out: Path) -> None:
    (out / name("two")).with_name(".part-new-00000.parquet.0123").write_bytes(b"PAR1")


def spoil_the_journal(out: Path) -> None:
    with (out / manifest.NAME).open("ab") as file:
        file.write(b"\0\0\0\n")


AGAIN = name("one")
ASIDE: dict[Callable[[Path], None], list[Finding]] = {
    cut: [Finding("damaged", AGAIN, "truncated")],
    cut_an_unrecorded_one: [Finding("damaged", AGAIN, "truncated")],
    replace_by_other_rows: [Finding("damaged", AGAIN, "1 rows where the manifest has 2")],
    alter: [Finding("altered", AGAIN, "other bytes than the manifest's hash is of")],
    lose: [Finding("missing", AGAIN, "missing")],
}
COMPACTION: dict[Callable[[Path], None], list[Finding]] = {
    compute_twice: [
        Finding("doubled", FOLDER, "rows that stand there twice or that newer ones replace: 1, in 1 of 3 parts")
    ],
    forget: [Finding("unrecorded", AGAIN, "2 rows that the manifest does not know")],
    write_old: [Finding("older version", name("old"), "version 1 of reconstructions, now 3")],
    interrupt_a_write: [Finding("leftover", f"{FOLDER}/.part-new-00000.parquet.0123", "of an interrupted write")],
    spoil_the_journal: [Finding("journal", "manifest.jsonl", "line 4 cannot be read")],
}


def test_nothing_is_found_in_a_sound_folder(out: Path) -> None:
    assert verify(out) == []


@pytest.mark.parametrize("harm", ASIDE, ids=lambda harm: harm.__name__)
def test_parts_that_are_not_what_was_written_are_set_aside_and_their_rows_written_again(
    out: Path, harm: Callable[[Path], None]
) -> None:
    harm(out)
    findings = verify(out)
    assert findings == ASIDE[harm]
    assert "--set-aside" in HEALED_BY[findings[0].kind]
    set_aside(out, to_set_aside(findings))
    assert verify(out) == []
    assert [unit for unit, _, _ in faces(out)] == ["c.jpg"]
    write(out, [face("a.jpg"), face("b.jpg")], "one")
    assert verify(out) == []


def test_changed_rows_of_a_part_without_an_entry_are_found_by_their_checksums(out: Path) -> None:
    alter_an_unrecorded_one(out)
    (found,) = verify(out)
    assert (found.kind, found.path) == ("damaged", AGAIN)


@pytest.mark.parametrize("harm", COMPACTION, ids=lambda harm: harm.__name__)
def test_what_compaction_heals_is_found_and_healed_by_it(out: Path, harm: Callable[[Path], None]) -> None:
    harm(out)
    findings = verify(out)
    assert findings == COMPACTION[harm]
    assert "ganfit compact" in HEALED_BY[findings[0].kind]
    units = {unit for unit, _, _ in faces(out)}
    compact(out)
    assert verify(out) == []
    assert {unit for unit, _, _ in faces(out)} == units


def test_files_that_rows_name_and_that_are_gone_are_counted_by_part(out: Path) -> None:
    lose_files(out)
    detail = "2 that its rows name are not there, the first faces/a/face.glb"
    assert verify(out) == [Finding("no file", AGAIN, detail)]


def test_several_kinds_are_found_together(out: Path) -> None:
    for harm in (lose_files, forget, interrupt_a_write, spoil_the_journal):
        harm(out)
    (out / name("two")).unlink()
    assert {found.kind for found in verify(out)} == {"no file", "unrecorded", "leftover", "journal", "missing"}


def test_a_damaged_part_does_not_hide_what_is_doubled(out: Path) -> None:
    alter(out)
    write(out, [face("c.jpg", run=1)], "again")
    assert {found.kind for found in verify(out)} == {"altered", "doubled"}


def test_every_kind_that_can_be_found_has_a_cure() -> None:
    found = {finding.kind for findings in (*ASIDE.values(), *COMPACTION.values()) for finding in findings}
    assert found | {"no file"} == set(HEALED_BY)


def test_tables_without_a_journal_are_sound_without_entries(tmp_path: Path) -> None:
    row = dict.fromkeys(schemas.published().names, "x") | {"value": 1.0, "std": None}
    path = tables.write_part([row], schemas.published(), tmp_path, "all")
    assert verify(tmp_path) == []
    flip_a_byte(path)
    assert [found.kind for found in verify(tmp_path)] == ["damaged"]


def test_a_folder_without_tables_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no tables"):
        verify(tmp_path)


def test_a_newer_version_is_an_error_rather_than_a_finding(out: Path) -> None:
    schema = stored(SCHEMA).with_metadata({"table": "reconstructions", "version": "9"})
    write_as(out, schema, [face("z.jpg")], "newer")
    with pytest.raises(NewerVersionError, match="version 9"):
        verify(out)


def test_rows_are_compared_without_their_vectors(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()

    def listen(folder: Path, parts: list[str], columns: list[str]) -> pa.Table:
        asked.update(columns)
        return columns_of(folder, parts, columns)

    monkeypatch.setattr("data.doubles.columns_of", listen)
    monkeypatch.setattr("data.verification.columns_of", listen)
    assert verify(out) == []
    assert asked == {"collection_key", "unit_id", "run_id", "face_index", "frame", "created_at", "mesh", "overlay"}
