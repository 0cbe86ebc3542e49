"""Folders of results as the tests of the part files need them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from data import manifest, schemas, tables
from tests.data.test_tables import SCHEMA, fitted

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
NEW_SINCE_VERSION_1 = {"collection_key", "code_sha256", "result_key", "shard", "without"}
PARTITION = ("ganfit", "gan")
FRAMES = schemas.frames(schemas.Dimensions(identity=3, expression=2, texture=4))


def face(unit: str, face_index: int | None = 0, run: int = 0, **changes: Any) -> dict[str, Any]:
    """A row of the run with this number, which began so many hours later."""
    own = {"run_id": f"run-{run}", "unit_id": unit, "face_index": face_index, "mesh": None, "collection_key": "photos"}
    return fitted(**own, created_at=START + datetime.timedelta(hours=run)) | changes


def frame(video: str, number: int, run: int = 0) -> dict[str, Any]:
    """A row of `frames`."""
    own = {"run_id": f"run-{run}", "unit_id": video, "frame": number, "collection_key": "videos", "method": "ganfit"}
    rest = {"texture_model": "gan", "collection": "v", "time_s": 0.5, "chosen": False, "status": "no_face"}
    return dict.fromkeys(FRAMES.names) | rest | own


def write(out: Path, rows: Sequence[dict[str, Any]], key: str, recorded: bool = True) -> str:
    """Write rows as one part, and return its name."""
    path = tables.write_part(rows, SCHEMA if "face_index" in rows[0] else FRAMES, out, key)
    if recorded:
        manifest.record(out, [path], rows[0]["run_id"])
    return manifest.name_of(out, path)


def write_version_1(out: Path, rows: Sequence[dict[str, Any]], key: str) -> str:
    """Write rows as version 1 of `reconstructions` had them."""
    gone = NEW_SINCE_VERSION_1 | set(schemas.PARTITIONS["reconstructions"])
    fields = [field for field in SCHEMA if field.name not in gone]
    schema = pa.schema(fields, metadata={"table": "reconstructions", "version": "1"})
    return write_as(out, schema, rows, key)


def write_as(out: Path, schema: pa.Schema, rows: Sequence[dict[str, Any]], key: str) -> str:
    """Write rows with any schema where parts of `reconstructions` lie."""
    path = tables.partition_folder(out, "reconstructions", PARTITION) / f"part-{key}-00000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [pa.array([row[field.name] for row in rows], type=field.type) for field in schema]
    pyarrow.parquet.write_table(pa.Table.from_arrays(columns, schema=schema), path)
    return manifest.name_of(out, path)


def flip_a_byte(path: Path, column: int = 0) -> None:
    """Change a byte of a column's values, as a failing disk does."""
    values = pyarrow.parquet.read_metadata(path).row_group(0).column(column)
    content = bytearray(path.read_bytes())
    content[values.data_page_offset + values.total_compressed_size // 2] ^= 0xFF
    path.write_bytes(content)


def faces(out: Path) -> list[tuple[str, int | None, str]]:
    """Unit, face and run of every row of `reconstructions`, sorted."""
    rows = tables.read(out).select(["unit_id", "face_index", "run_id"]).to_pylist()
    return sorted((tuple(row.values()) for row in rows), key=str)
