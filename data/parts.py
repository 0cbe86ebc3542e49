"""The part files of a table: which are sound, which rows stand where, and taking rows out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from data import manifest, migrations
from data.tables import part_files, partition_folder, write_file

MISSING = "missing"
_MAGIC = b"PAR1"
_READERS = 4


@dataclass(frozen=True)
class Part:
    """A part file whose footer is sound, and as the manifest has it where it has it."""

    path: str
    """Relative to the output folder, forward slashes."""
    rows: int
    bytes: int
    version: int
    """Of the table's schema."""


@dataclass(frozen=True)
class Damaged:
    """A part file that cannot be what was written."""

    path: str
    """Relative to the output folder, forward slashes."""
    reason: str
    """"truncated", "missing", "3 rows where the manifest has 256", ..."""


class PartError(ValueError):
    """A part file whose footer is sound but whose rows cannot be read."""

    def __init__(self, damaged: Damaged) -> None:
        super().__init__(f"{damaged.path}: {damaged.reason}")
        self.damaged = damaged


def survey(out: Path, table: str) -> tuple[list[Part], list[Damaged]]:
    """The part files of a table, by path: the sound and the damaged, and those of which only the manifest knows.

    Only footers and sizes are looked at; ``data.verification.verify`` reads everything. Raises
    data.migrations.NewerVersionError for a file of a version that this program does not know.
    """
    known = {name: entry for name, entry in manifest.entries(out).items() if name.startswith(f"{table}/")}
    paths = part_files(out / table)
    with ThreadPoolExecutor(_READERS) as readers:
        looked_at = list(readers.map(lambda path: _look(out, table, path, known), paths))
    sound = [part for part in looked_at if isinstance(part, Part)]
    damaged = [part for part in looked_at if isinstance(part, Damaged)]
    damaged += [Damaged(name, MISSING) for name in sorted(known.keys() - {part.path for part in looked_at})]
    return sound, damaged


def set_aside(out: Path, damaged: Sequence[Damaged]) -> None:
    """Rename damaged parts to _NAME.damaged, which no reader takes for a part, and let the manifest forget them."""
    manifest.forget(out, [part.path for part in damaged])
    for part in damaged:
        path = out / part.path
        if path.exists():  # some are missing
            os.replace(path, path.with_name(f"_{path.name}.damaged"))


def index(out: Path, table: str, partition: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """These columns of all rows of a partition, with `part` (relative to ``out``) and `row`, the place in the part.

    `part` is a dictionary of strings. Rows of an older version have null where they lack a column. Raises PartError
    for a part that cannot be read, KeyError for a column that the table does not have,
    data.migrations.NewerVersionError.
    """
    schema = migrations.current_schema(table)
    if unknown := [name for name in columns if name not in schema.names]:
        raise KeyError(f"no column {', '.join(unknown)} in {table}")
    parts = [manifest.name_of(out, path) for path in part_files(partition_folder(out, table, partition))]
    if not parts:
        place = [("part", pa.dictionary(pa.int32(), pa.string())), ("row", pa.int64())]
        return pa.schema([*(schema.field(name) for name in columns), *place]).empty_table()
    return columns_of(out, parts, columns)


def columns_of(out: Path, parts: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """``index`` of at least one part, each named by its path relative to ``out``."""
    with ThreadPoolExecutor(_READERS) as readers:
        return pa.concat_tables(
            readers.map(lambda part: _columns_of_one(out, part, columns), parts), promote_options="permissive"
        )


def drop_rows(out: Path, part: str, rows: Sequence[int]) -> None:
    """Rewrite a part without the rows at these places, or remove it when none is left; the manifest follows.

    What is rewritten has the current version. Raises PartError for a part that cannot be read.
    """
    path = out / part
    entry = manifest.entries(out).get(part)
    with opened(out, part) as file:
        keep = np.ones(file.metadata.num_rows, dtype=bool)
        keep[np.asarray(rows, dtype=np.int64)] = False
        manifest.forget(out, [part])  # first: a kill in between leaves a sound part, not one that looks altered
        if keep.any():
            write_file(path, migrations.current_schema(table_of(part), file.schema_arrow), _kept(file, part, keep))
    if not keep.any():
        path.unlink()
    elif entry is not None:
        manifest.record(out, [path], entry.run_id)


def remove(out: Path, parts: Sequence[str]) -> None:
    """Remove whole parts, of which the journal hears in one line each and all at once."""
    manifest.forget(out, parts)
    for part in parts:
        (out / part).unlink()


def table_of(part: str) -> str:
    """The table that a part belongs to."""
    return part.split("/", 1)[0]


def opened(out: Path, part: str) -> pyarrow.parquet.ParquetFile:
    """A part file, open, its checksums to be checked. Raises PartError for one whose footer cannot be read.

    One that is not there is MISSING: whoever reads beside a run may have listed it when it was.
    """
    path = out / part
    try:
        return pyarrow.parquet.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise PartError(Damaged(part, MISSING)) from error
    except (pa.ArrowInvalid, OSError) as error:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - len(_MAGIC), 0))
            whole = file.read() == _MAGIC
        raise PartError(Damaged(part, _one_line(error) if whole else "truncated")) from error


def read_group(file: pyarrow.parquet.ParquetFile, part: str, number: int) -> pa.Table:
    """Rows of a row group in the current version. Raises PartError where they cannot be read."""
    try:
        return migrations.upgrade(table_of(part), file.read_row_group(number))
    except (pa.ArrowInvalid, OSError) as error:
        raise PartError(Damaged(part, _one_line(error))) from error


def _look(out: Path, table: str, path: Path, known: dict[str, manifest.Entry]) -> Part | Damaged:
    name = manifest.name_of(out, path)
    try:
        with opened(out, name) as file:
            rows, version = file.metadata.num_rows, migrations.version_of(file.schema_arrow)
        size = path.stat().st_size
    except PartError as error:
        return error.damaged
    except FileNotFoundError:
        return Damaged(name, MISSING)
    except KeyError:
        return Damaged(name, "not a file of this program")
    migrations.check_known(table, version, str(path))
    if name in known and rows != known[name].rows:
        return Damaged(name, f"{rows} rows where the manifest has {known[name].rows}")
    if name in known and size != known[name].bytes:
        return Damaged(name, f"{size} bytes where the manifest has {known[name].bytes}")
    return Part(name, rows, size, version)


def _columns_of_one(out: Path, part: str, columns: Sequence[str]) -> pa.Table:
    table = table_of(part)
    with opened(out, part) as file:
        version = migrations.version_of(file.schema_arrow)
        migrations.check_known(table, version, part)
        wanted = None if migrations.converts(table, version) else [c for c in columns if c in file.schema_arrow.names]
        count, schema = file.metadata.num_rows, migrations.current_schema(table, file.schema_arrow)
        try:
            rows = file.read(columns=wanted)
        except (pa.ArrowInvalid, OSError) as error:
            raise PartError(Damaged(part, _one_line(error))) from error
    if wanted is None:
        rows = migrations.upgrade(table, rows)
    arrays = [rows[c] if c in rows.column_names else pa.nulls(count, schema.field(c).type) for c in columns]
    named = pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), [part])  # as strings, most of a large index
    arrays += [named, pa.array(np.arange(count))]
    return pa.table(dict(zip([*columns, "part", "row"], arrays, strict=True)))


def _kept(file: pyarrow.parquet.ParquetFile, part: str, keep: np.ndarray) -> Iterator[pa.Table]:
    start = 0
    for number in range(file.num_row_groups):
        mask = keep[start : start + file.metadata.row_group(number).num_rows]
        start += len(mask)
        if mask.any():
            yield read_group(file, part, number).filter(pa.array(mask))


def _one_line(error: Exception) -> str:
    """An error of Arrow's, which may span lines, as a reason."""
    return " ".join(str(error).split())
