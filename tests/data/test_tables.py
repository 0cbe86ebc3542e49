"""The tables: what is written comes back, whole or not at all."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from data import schemas, tables
from data.schemas import Dimensions
from data.schemas.documentation import documentation

SCHEMA = schemas.reconstructions(Dimensions(identity=3, expression=2, texture=4))


def row(**changes: Any) -> dict[str, Any]:
    """A photograph in which no face was found."""
    empty: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    return empty | {
        "run_id": "run",
        "method": "ganfit",
        "texture_model": "gan",
        "collection": "photos",
        "unit_id": "a.jpg",
        "source": ["/photos/a.jpg"],
        "frames": 1,
        "status": "no_face",
        "stage": "detect",
        "reason": "no face found",
        "device": "cpu",
        "assets": [("morphable", "00")],
        "config_sha256": "11",
        "code_version": "0",
        "seed": 0,
        "created_at": datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        **changes,
    }


def fitted(**changes: Any) -> dict[str, Any]:
    """A photograph that was fitted."""
    values = {
        "status": "ok",
        "stage": "export",
        "reason": None,
        "face_index": 0,
        "detection_score": 0.75,
        "detection_box": np.arange(4, dtype=np.float32),
        "landmarks": np.arange(136, dtype=np.float32),
        "identity": np.array([0.5, -1, 2], dtype=np.float32),
        "expression": np.zeros(2, dtype=np.float32),
        "texture": np.ones(4, dtype=np.float32),
        "camera": np.arange(10, dtype=np.float32),
        "light": np.arange(9, dtype=np.float32),
        "losses": dict.fromkeys(schemas.LOSS_TERMS, 0.25),
        "iterations": 7,
        "converged": True,
        "seconds": dict.fromkeys(schemas.STAGES, 1.5),
        "mesh": "faces/b.jpg/face.glb",
    }
    return row(unit_id="b.jpg") | values | changes


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    path = tables.write_part([row(), fitted()], SCHEMA, tmp_path, "key", 0)
    assert path == tmp_path / "reconstructions/method=ganfit/texture_model=gan/part-key-00000.parquet"
    failure, success = tables.read(tmp_path).to_pylist()
    assert failure["method"] == "ganfit"
    assert failure["texture_model"] == "gan"
    assert failure["identity"] is None
    assert failure["losses"] is None
    assert failure["assets"] == [("morphable", "00")]
    assert success["identity"] == [0.5, -1, 2]
    assert success["losses"]["total"] == 0.25
    assert success["seconds"]["fit"] == 1.5
    assert success["landmarks"] == list(range(136))


def test_types_survive_the_file(tmp_path: Path) -> None:
    stored = pyarrow.parquet.read_schema(tables.write_part([row()], SCHEMA, tmp_path, "key", 0))
    assert stored.field("identity").type == pa.list_(pa.float32(), 3)
    assert stored.field("created_at").type == pa.timestamp("us", tz="UTC")
    assert stored.field("identity").metadata[b"description"].startswith(b"p_s")


def test_repeating_a_shard_replaces_it_and_other_collections_stay(tmp_path: Path) -> None:
    tables.write_part([row(), fitted()], SCHEMA, tmp_path, "one", 0)
    tables.write_part([row(unit_id="c.jpg")], SCHEMA, tmp_path, "two", 0)
    tables.write_part([row(run_id="again")], SCHEMA, tmp_path, "one", 0)
    got = tables.read(tmp_path).select(["run_id", "unit_id"]).to_pylist()
    pairs = sorted((entry["run_id"], entry["unit_id"]) for entry in got)
    assert pairs == [("again", "a.jpg"), ("run", "c.jpg")]


def test_parts_of_a_longer_earlier_run_go(tmp_path: Path) -> None:
    for shard in range(3):
        tables.write_part([row(unit_id=str(shard))], SCHEMA, tmp_path, "one", shard)
    tables.write_part([row(unit_id="other")], SCHEMA, tmp_path, "two", 2)
    tables.drop_parts_from(tmp_path, ("ganfit", "gan"), "one", 1)
    assert sorted(tables.read(tmp_path)["unit_id"].to_pylist()) == ["0", "other"]
    tables.drop_parts_from(tmp_path, ("ganfit", "gan"), "one", 0, tables.FRAMES)  # a table that was never written
    assert sorted(tables.read(tmp_path)["unit_id"].to_pylist()) == ["0", "other"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tables.write_part([row()], SCHEMA, tmp_path, "key", 0)

    def half(writer: pyarrow.parquet.ParquetWriter, table: pa.Table, **options: Any) -> None:
        write(writer, table.slice(0, 0))
        raise OSError("No space left on device")

    write = pyarrow.parquet.ParquetWriter.write_table
    monkeypatch.setattr(pyarrow.parquet.ParquetWriter, "write_table", half)
    with pytest.raises(OSError, match="No space"):
        tables.write_part([fitted()], SCHEMA, tmp_path, "key", 0)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert tables.read(tmp_path)["unit_id"].to_pylist() == ["a.jpg"]


@pytest.mark.parametrize("column", ["status", "unit_id", "created_at"])
def test_a_row_without_a_required_value_is_refused(tmp_path: Path, column: str) -> None:
    with pytest.raises((ValueError, pa.ArrowInvalid)):
        tables.write_part([row(**{column: None})], SCHEMA, tmp_path, "key", 0)


def test_a_vector_of_the_wrong_length_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pa.ArrowInvalid):
        tables.write_part([fitted(identity=[1.0, 2.0])], SCHEMA, tmp_path, "key", 0)


def test_a_method_with_a_plus_sign_keeps_its_name(tmp_path: Path) -> None:
    tables.write_part([row(method="ganfit++")], SCHEMA, tmp_path, "key", 0)
    assert tables.read(tmp_path)["method"].to_pylist() == ["ganfit++"]
    assert pd.read_parquet(tmp_path / "reconstructions")["method"].tolist() == ["ganfit++"]
    assert pyarrow.parquet.read_table(tmp_path / "reconstructions")["method"].to_pylist() == ["ganfit++"]


def test_the_documentation_is_that_of_the_code() -> None:
    written = Path(__file__).parents[2] / "docs" / "tables.md"
    assert written.read_text(encoding="utf-8") == documentation(), "run `make docs`"
