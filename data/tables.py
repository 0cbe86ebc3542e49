"""Writing and reading the tables: Hive-partitioned Parquet, each part replaced as a whole or not at all."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

from data.schemas import PARTITIONS

TABLE = "reconstructions"


def write_part(
    rows: Sequence[Mapping[str, Any]], schema: pa.Schema, out: Path, collection_key: str, shard: int
) -> Path:
    """Write one shard's rows as one part file below ``out``, and return its path.

    All rows belong to one partition. The same collection and shard replace their earlier file, so that a
    table never holds a photograph twice because a command was repeated.

    Raises ValueError for no rows or rows of several partitions, KeyError for a row that lacks a column.
    """
    partitions = {tuple(row[name] for name in PARTITIONS) for row in rows}
    if len(partitions) != 1:
        raise ValueError(f"the rows of a part file are of one partition, not {len(partitions)}")
    folder = _partition_folder(out, partitions.pop())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _part_name(collection_key, shard)
    _replace(path, _to_table(rows, schema))
    return path


def drop_parts_from(out: Path, partition: Sequence[str], collection_key: str, shard: int) -> None:
    """Remove what an earlier, longer run over the same collection left: the parts from ``shard`` on."""
    for path in _partition_folder(out, partition).glob(f"part-{collection_key}-*.parquet"):
        if int(path.stem.rsplit("-", 1)[1]) >= shard:
            path.unlink()


def read(out: Path) -> pa.Table:
    """All rows below ``out``, with the partition columns. Raises FileNotFoundError without a table."""
    partitioning = pyarrow.dataset.partitioning(pa.schema([(name, pa.string()) for name in PARTITIONS]), flavor="hive")
    return pyarrow.dataset.dataset(out / TABLE, format="parquet", partitioning=partitioning).to_table()


def _to_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    stored = pa.schema([field for field in schema if field.name not in PARTITIONS], metadata=schema.metadata)
    columns = [pa.array([row[field.name] for row in rows], type=field.type) for field in stored]
    table = pa.Table.from_arrays(columns, schema=stored)
    table.validate(full=True)
    return table


def _replace(path: Path, table: pa.Table) -> None:
    """Write beside ``path``, force to disk, rename: a crash leaves the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("wb") as file:
            pyarrow.parquet.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _partition_folder(out: Path, partition: Sequence[str]) -> Path:
    # percent-encoded as Hive does it: "ganfit++" is a method's name
    folders = [f"{name}={quote(value)}" for name, value in zip(PARTITIONS, partition, strict=True)]
    return out.joinpath(TABLE, *folders)


def _part_name(collection_key: str, shard: int) -> str:
    return f"part-{collection_key}-{shard:05d}.parquet"
