"""Writing and reading the tables: Hive-partitioned Parquet, each part replaced as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

from data.files import replace
from data.schemas import PARTITIONS

RECONSTRUCTIONS, FRAMES = "reconstructions", "frames"


def write_part(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, out: Path, key: str, shard: int) -> Path:
    """Write one shard's rows as one part file below ``out``, and return its path.

    All rows belong to one partition. The same key (of the collection, say) and shard replace their earlier file,
    so that a table never holds a row twice because a command was repeated.

    Raises ValueError for no rows or rows of several partitions, KeyError for a row that lacks a column.
    """
    table = schema.metadata[b"table"].decode()
    partitions = {tuple(row[name] for name in PARTITIONS[table]) for row in rows}
    if len(partitions) != 1:
        raise ValueError(f"the rows of a part file are of one partition, not {len(partitions)}")
    folder = _partition_folder(out, table, partitions.pop())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{key}-{shard:05d}.parquet"
    content = _to_table(rows, schema)
    replace(path, lambda file: pyarrow.parquet.write_table(content, file, compression="zstd"))
    return path


def drop_parts_from(
    out: Path, partition: Sequence[str], collection_key: str, shard: int, table: str = RECONSTRUCTIONS
) -> None:
    """Remove the rows that an earlier, longer run over the same collection left: a table's parts from ``shard`` on."""
    for path in _partition_folder(out, table, partition).glob(f"part-{collection_key}-*.parquet"):
        if int(path.stem.rsplit("-", 1)[1]) >= shard:
            path.unlink()


def read(out: Path, table: str = RECONSTRUCTIONS) -> pa.Table:
    """All rows of a table below ``out``, with the partition columns. Raises FileNotFoundError without one."""
    folders = pa.schema([(name, pa.string()) for name in PARTITIONS[table]])
    partitioning = pyarrow.dataset.partitioning(folders, flavor="hive")
    return pyarrow.dataset.dataset(out / table, format="parquet", partitioning=partitioning).to_table()


def _to_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    folders = PARTITIONS[schema.metadata[b"table"].decode()]
    stored = pa.schema([field for field in schema if field.name not in folders], metadata=schema.metadata)
    columns = [pa.array([row[field.name] for row in rows], type=field.type) for field in stored]
    table = pa.Table.from_arrays(columns, schema=stored)
    table.validate(full=True)
    return table


def _partition_folder(out: Path, table: str, partition: Sequence[str]) -> Path:
    # percent-encoded as Hive does it: "ganfit++" is a method's name, "micc/deng" a protocol's
    folders = [f"{name}={quote(value, safe='')}" for name, value in zip(PARTITIONS[table], partition, strict=True)]
    return out.joinpath(table, *folders)
