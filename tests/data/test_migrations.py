"""Rows of older versions become rows of the current one, and files of newer versions are refused."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute
import pytest

from data import migrations, schemas, tables
from data.parts import drop_rows, index
from tests.data.stored import NEW_SINCE_VERSION_1, PARTITION, SCHEMA, face, write, write_as, write_version_1


def test_versions_are_read_together_in_the_columns_of_the_current_one(tmp_path: Path) -> None:
    write_version_1(tmp_path, [face("a.jpg")], "one")
    write(tmp_path, [face("b.jpg", result_key="key")], "two")
    old, new = tables.read(tmp_path).to_pylist()
    assert set(old) == set(new) == set(SCHEMA.names)
    assert {old[name] for name in NEW_SINCE_VERSION_1} == {None}
    assert (new["collection_key"], new["result_key"]) == ("photos", "key")
    same = set(SCHEMA.names) - NEW_SINCE_VERSION_1 - {"unit_id"}
    assert {name: old[name] for name in same} == {name: new[name] for name in same}


def test_what_is_upgraded_has_the_types_the_order_and_the_version_of_what_is_written_today() -> None:
    row = {name: value for name, value in face("a.jpg").items() if name not in NEW_SINCE_VERSION_1}
    fields = [field for field in migrations.stored(SCHEMA) if field.name in row]
    old = pa.schema(reversed(fields), metadata={"table": "reconstructions", "version": "1"})
    rows = pa.Table.from_pylist([row], schema=old)
    assert migrations.upgrade("reconstructions", rows).schema.equals(migrations.stored(SCHEMA), check_metadata=True)


def test_a_newer_version_is_refused_with_a_message_that_says_so(tmp_path: Path) -> None:
    schema = migrations.stored(SCHEMA).with_metadata({"table": "reconstructions", "version": "4"})
    write_as(tmp_path, schema, [face("a.jpg")], "one")
    with pytest.raises(migrations.NewerVersionError) as raised:
        tables.read(tmp_path)
    assert "which a newer version of this program wrote; this one knows versions up to 3" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_vectors_of_differing_lengths_are_read_together(tmp_path: Path) -> None:
    write(tmp_path, [face("a.jpg")], "one")
    longer = schemas.reconstructions(schemas.Dimensions(identity=5, expression=2, texture=4))
    tables.write_part([face("b.jpg", identity=[1.0] * 5, method="other")], longer, tmp_path, "two")
    assert [len(vector) for vector in tables.read(tmp_path)["identity"].to_pylist()] == [3, 5]


def rename_and_convert(rows: pa.Table) -> pa.Table:
    """What a version would register that calls `subject` what was `person`, in lower case."""
    place = rows.column_names.index("person")
    return rows.set_column(place, "subject", pa.compute.utf8_lower(rows["person"]))


@pytest.fixture
def renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A part of version 1 whose `subject` was `person`, and the function that converts it."""
    monkeypatch.setattr(migrations, "MIGRATIONS", {("reconstructions", 1): rename_and_convert})
    fields = [pa.field("person", pa.string()) if f.name == "subject" else f for f in migrations.stored(SCHEMA)]
    schema = pa.schema(fields, metadata={"table": "reconstructions", "version": "1"})
    return write_as(tmp_path, schema, [face("a.jpg", person="ADA"), face("b.jpg", person="BOB")], "one")


@pytest.mark.usefixtures("renamed")
def test_a_registered_function_renames_and_converts_for_readers(tmp_path: Path) -> None:
    write(tmp_path, [face("c.jpg", subject="Cy")], "two")
    assert tables.read(tmp_path)["subject"].to_pylist() == ["ada", "bob", "Cy"]
    assert index(tmp_path, "reconstructions", PARTITION, ["subject"])["subject"].to_pylist() == ["ada", "bob", "Cy"]


def test_a_registered_function_is_applied_once_to_what_is_rewritten(tmp_path: Path, renamed: str) -> None:
    drop_rows(tmp_path, renamed, [0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", {})
        assert tables.read(tmp_path)["subject"].to_pylist() == ["bob"]


def test_a_column_that_is_new_and_required_needs_a_function() -> None:
    schema = pa.schema([pa.field("value", pa.float64())], metadata={"table": "published", "version": "1"})
    with pytest.raises(ValueError, match="dataset"):
        migrations.upgrade("published", pa.table({"value": [1.0]}, schema=schema))


@pytest.mark.parametrize("table", schemas.PARTITIONS)
def test_every_table_has_a_version(table: str) -> None:
    assert migrations.version_of(migrations.current_schema(table)) >= 1
