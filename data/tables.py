"""Writing and reading the tables: Hive-partitioned Parquet, each part replaced as a whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet

from data import manifest, migrations
from data.files import replace
from data.schemas import PARTITIONS

RECONSTRUCTIONS, FRAMES = "reconstructions", "frames"


def write_part(rows: Sequence[Mapping[str, Any]], schema: pa.Schema, out: Path, key: str, shard: int = 0) -> Path:
    """Write one shard's rows as one part file below ``out``, and return its path.

    All rows belong to one partition. The same key (of the collection, say) and shard replace their earlier file,
    so that a table never holds a row twice because a command was repeated.

    Raises ValueError for no rows or rows of several partitions, KeyError for a row that lacks a column.
    """
    table = schema.metadata[b"table"].decode()
    partitions = {tuple(row[name] for name in PARTITIONS[table]) for row in rows}
    if len(partitions) != 1:
        raise ValueError(f"the rows of a part file are of one partition, not {len(partitions)}")
    folder = partition_folder(out, table, partitions.pop())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"part-{key}-{shard:05d}.parquet"
    content = _to_table(rows, schema)
    if path.exists():
        manifest.forget(out, [path])  # first: a kill in between leaves a sound part, not one that looks altered
    write_file(path, content.schema, [content])
    return path


def write_file(path: Path, schema: pa.Schema, groups: Iterable[pa.Table]) -> None:
    """Write one Parquet file, a row group for each of ``groups``; it is there whole or not at all."""

    def write(file: Any) -> None:
        options = {"compression": "zstd", "write_page_checksum": True}
        with pyarrow.parquet.ParquetWriter(file, schema, **options) as writer:
            for group in groups:
                writer.write_table(group, row_group_size=max(len(group), 1))

    replace(path, write)


def drop_parts_from(
    out: Path, partition: Sequence[str], collection_key: str, shard: int, table: str = RECONSTRUCTIONS
) -> None:
    """Remove the rows that an earlier, longer run over the same collection left: a table's parts from ``shard`` on."""
    found = partition_folder(out, table, partition).glob(f"part-{collection_key}-*.parquet")
    stale = [path for path in found if int(path.stem.rsplit("-", 1)[1]) >= shard]
    manifest.forget(out, stale)
    for path in stale:
        path.unlink()


def read(out: Path, table: str = RECONSTRUCTIONS) -> pa.Table:
    """All rows of a table below ``out`` in the current version, with the partition columns.

    Vectors whose lengths differ among the files become lists of any length. Raises FileNotFoundError without the
    table, data.migrations.NewerVersionError for files of a version that this program does not know.
    """
    if not (out / table).is_dir():
        raise FileNotFoundError(f"no table {table} in {out}")
    folders = pa.schema([(name, pa.string()) for name in PARTITIONS[table]])
    parts = [_read_part(path, out, table) for path in part_files(out / table)]
    if not parts:
        return folders.empty_table()
    return pa.concat_tables(parts, promote_options="permissive")


def part_files(folder: Path) -> list[Path]:
    """The part files below a folder, sorted by path."""
    return sorted(folder.rglob("part-*.parquet"))


def partition_folder(out: Path, table: str, partition: Sequence[str]) -> Path:
    """Folder of one partition, whose values stand in the order of data.schemas.PARTITIONS."""
    # percent-encoded as Hive does it: "ganfit++" is a method's name, "micc/deng" a protocol's
    folders = [f"{name}={quote(value, safe='')}" for name, value in zip(PARTITIONS[table], partition, strict=True)]
    return out.joinpath(table, *folders)


def partition_of(out: Path, table: str, path: Path) -> tuple[str, ...]:
    """The values of the folders that a part file lies in. Raises ValueError where they are not the table's."""
    folders = [name.partition("=") for name in path.parent.relative_to(out / table).parts]
    if tuple(name for name, _, _ in folders) != PARTITIONS[table]:
        raise ValueError(f"{path} does not lie in folders {', '.join(PARTITIONS[table])}")
    return tuple(unquote(value) for _, _, value in folders)


def _read_part(path: Path, out: Path, table: str) -> pa.Table:
    with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
        migrations.check_known(table, migrations.version_of(file.schema_arrow), str(path))
        rows = migrations.upgrade(table, file.read())
    for name, value in zip(PARTITIONS[table], partition_of(out, table, path), strict=True):
        rows = rows.append_column(name, pa.repeat(pa.scalar(value), len(rows)))
    return rows


def _to_table(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> pa.Table:
    kept = migrations.stored(schema)
    columns = [pa.array([row[field.name] for row in rows], type=field.type) for field in kept]
    table = pa.Table.from_arrays(columns, schema=kept)
    table.validate(full=True)
    return table
