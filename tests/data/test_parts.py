"""Part files: damage is seen, rows are found and taken out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data import manifest, parts, tables
from data.migrations import NewerVersionError, stored
from data.parts import Damaged, PartError, drop_rows, index, opened, set_aside, survey
from tests.data.stored import PARTITION, SCHEMA, face, faces, flip_a_byte, write, write_as, write_version_1


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def test_a_survey_tells_rows_size_and_version(tmp_path: Path) -> None:
    one = write(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    two = write_version_1(tmp_path, [face("c.jpg")], "two")
    sound, damaged = survey(tmp_path, "reconstructions")
    assert [(part.path, part.rows, part.version) for part in sound] == [(one, 2, 3), (two, 1, 1)]
    assert [part.bytes for part in sound] == [(tmp_path / name).stat().st_size for name in (one, two)]
    assert damaged == []


def test_a_survey_of_a_table_that_was_never_written_is_empty(tmp_path: Path) -> None:
    assert survey(tmp_path, "frames") == ([], [])


@pytest.mark.parametrize("recorded", [True, False])
def test_a_truncated_part_is_damaged_whether_or_not_the_manifest_knows_it(tmp_path: Path, recorded: bool) -> None:
    sound = write(tmp_path, [face("a.jpg")], "one")
    name = write(tmp_path, [face("b.jpg")], "two", recorded)
    cut(tmp_path / name)
    whole, damaged = survey(tmp_path, "reconstructions")
    assert [part.path for part in whole] == [sound]
    assert damaged == [Damaged(name, "truncated")]


def test_an_empty_file_is_damaged(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg")], "one")
    (tmp_path / name).write_bytes(b"")
    assert survey(tmp_path, "reconstructions")[1] == [Damaged(name, "truncated")]


def test_a_footer_that_is_garbage_is_damaged_with_a_reason_of_one_line(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg")], "one")
    content = bytearray((tmp_path / name).read_bytes())
    content[-200:-8] = b"\xff" * 192
    (tmp_path / name).write_bytes(content)
    sound, (damaged,) = survey(tmp_path, "reconstructions")
    assert sound == []
    assert damaged.reason not in ("", "truncated")
    assert "\n" not in damaged.reason


def test_a_part_with_other_rows_than_the_manifest_has_is_damaged(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    other = write(tmp_path / "elsewhere", [face("a.jpg")], "one")
    (tmp_path / name).write_bytes((tmp_path / "elsewhere" / other).read_bytes())
    assert survey(tmp_path, "reconstructions")[1] == [Damaged(name, "1 rows where the manifest has 2")]


def test_a_file_of_another_program_is_damaged(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg")], "one")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / name)
    assert survey(tmp_path, "reconstructions")[1] == [Damaged(name, "not a file of this program")]


def test_a_part_that_is_gone_is_missing_and_forgotten_when_set_aside(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg")], "one")
    (tmp_path / name).unlink()
    _, damaged = survey(tmp_path, "reconstructions")
    assert damaged == [Damaged(name, "missing")]
    set_aside(tmp_path, damaged)
    assert survey(tmp_path, "reconstructions") == ([], [])


def test_a_part_that_goes_after_it_was_listed_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = write(tmp_path, [face("a.jpg")], "one", recorded=False)
    (tmp_path / name).unlink()
    monkeypatch.setattr(parts, "part_files", lambda folder: [tmp_path / name])
    assert survey(tmp_path, "reconstructions") == ([], [Damaged(name, "missing")])
    with pytest.raises(PartError) as raised:
        opened(tmp_path, name)
    assert raised.value.damaged == Damaged(name, "missing")


def test_no_reader_meets_a_part_that_was_set_aside(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg")], "one")
    name = write(tmp_path, [face("b.jpg")], "two")
    cut(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    set_aside(tmp_path, survey(tmp_path, "reconstructions")[1])
    assert len(survey(tmp_path, "reconstructions")[0]) == 1
    assert tables.read(tmp_path)["unit_id"].to_pylist() == ["a.jpg"]
    assert pd.read_parquet(tmp_path / "reconstructions")["unit_id"].tolist() == ["a.jpg"]
    assert (tmp_path / name).with_name("_part-two-00000.parquet.damaged").read_bytes() == content


def test_a_part_of_a_newer_version_is_refused_rather_than_called_damaged(tmp_path: Path) -> None:
    schema = stored(SCHEMA).with_metadata({"table": "reconstructions", "version": "9"})
    write_as(tmp_path, schema, [face("a.jpg")], "one")
    with pytest.raises(NewerVersionError, match=r"part-one.* version 9 of the table reconstructions.* up to 3"):
        survey(tmp_path, "reconstructions")
    with pytest.raises(NewerVersionError):
        index(tmp_path, "reconstructions", PARTITION, ["unit_id"])


def test_the_index_tells_where_every_row_stands(tmp_path: Path) -> None:
    one = write(tmp_path, [face("a.jpg", result_key="k"), face("b.jpg")], "one")
    old = write_version_1(tmp_path, [face("c.jpg", result_key="lost")], "two")
    write(tmp_path, [face("d.jpg", method="fast")], "other")
    rows = index(tmp_path, "reconstructions", PARTITION, ["unit_id", "result_key"])
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        ("a.jpg", "k", one, 0),
        ("b.jpg", None, one, 1),
        ("c.jpg", None, old, 0),
    ]


def test_the_index_of_an_absent_partition_has_the_columns_and_no_rows(tmp_path: Path) -> None:
    rows = index(tmp_path, "reconstructions", ("fast", "pca"), ["unit_id", "seed"])
    assert rows.column_names == ["unit_id", "seed", "part", "row"]
    assert len(rows) == 0


def test_an_unknown_column_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg")], "one")
    with pytest.raises(KeyError, match="unit_name"):
        index(tmp_path, "reconstructions", PARTITION, ["unit_name"])


def test_rows_that_a_failing_disk_changed_are_an_error_that_names_the_part(tmp_path: Path) -> None:
    name = write(tmp_path, [face(f"{number}.jpg") for number in range(50)], "one")
    flip_a_byte(tmp_path / name)
    with pytest.raises(PartError) as raised:
        index(tmp_path, "reconstructions", PARTITION, ["run_id"])
    assert raised.value.damaged.path == name


def test_rows_are_taken_out_and_the_manifest_follows(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg"), face("b.jpg"), face("c.jpg")], "one")
    drop_rows(tmp_path, name, [0, 2])
    assert faces(tmp_path) == [("b.jpg", 0, "run-0")]
    assert survey(tmp_path, "reconstructions")[1] == []
    assert (manifest.entries(tmp_path)[name].rows, manifest.entries(tmp_path)[name].run_id) == (1, "run-0")


def test_a_part_without_rows_goes(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    drop_rows(tmp_path, name, [1, 0])
    assert not (tmp_path / name).exists()
    assert survey(tmp_path, "reconstructions") == ([], [])


def test_a_part_that_the_manifest_did_not_know_stays_unknown(tmp_path: Path) -> None:
    name = write(tmp_path, [face("a.jpg"), face("b.jpg")], "one", recorded=False)
    drop_rows(tmp_path, name, [0])
    assert faces(tmp_path) == [("b.jpg", 0, "run-0")]
    assert manifest.entries(tmp_path) == {}


def test_rows_taken_out_of_several_row_groups_are_those_at_their_places(tmp_path: Path) -> None:
    name = write(tmp_path, [face("x.jpg")], "one")
    units = [face(f"{number}.jpg") for number in range(7)]
    groups = [tables._to_table(units[start : start + 2], SCHEMA) for start in range(0, 7, 2)]
    tables.write_file(tmp_path / name, groups[0].schema, groups)
    drop_rows(tmp_path, name, [0, 4, 5, 6])
    assert [unit for unit, _, _ in faces(tmp_path)] == ["1.jpg", "2.jpg", "3.jpg"]


def test_what_is_rewritten_has_the_current_version(tmp_path: Path) -> None:
    name = write_version_1(tmp_path, [face("a.jpg"), face("b.jpg")], "one")
    drop_rows(tmp_path, name, [0])
    (part,), damaged = survey(tmp_path, "reconstructions")
    assert (part.version, part.rows, damaged) == (3, 1, [])
