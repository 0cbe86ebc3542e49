"""Lists of files as CSV or Parquet: a column `path`, and `unit_id`, `subject` and `kind` if wanted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from data.collections.units import CollectionError, Kind, Unit
from data.files import replace_bytes

EXTENSIONS = (".csv", ".parquet")

_COLUMNS = ("path", "unit_id", "subject", "kind")

_KINDS: Mapping[str, Kind] = {"photo": "photo", "video": "video"}


@dataclass(frozen=True)
class Entry:
    """One line of a manifest."""

    where: str
    """Manifest and line, for messages."""
    path: str
    """As it is written: a path or a URL."""
    unit_id: str | None
    subject: str | None
    kind: Kind | None


def write_manifest(path: Path, units: Iterable[Unit]) -> None:
    """Write photographs and videos as a CSV manifest, whole or not at all; nothing if the file has this content
    already: it keeps its time of change."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows((unit.source, unit.unit_id, unit.subject or "", unit.kind) for unit in units)
    content = text.getvalue().encode()
    if not path.is_file() or path.read_bytes() != content:
        replace_bytes(path, content)


def is_manifest(name: str) -> bool:
    """Whether a file is one by its name."""
    return name.lower().endswith(EXTENSIONS)


def read_entries(name: str, content: bytes) -> Iterator[Entry]:
    """The lines of a manifest. Raises CollectionError, naming the line, for what is not one."""
    rows = _of_parquet(name, content) if name.lower().endswith(".parquet") else _of_csv(name, content)
    for where, row in rows:
        path, unit_id, subject, kind = row
        if not path or "\0" in path:
            raise CollectionError(f"{where}: no path")
        if kind is not None and kind not in _KINDS:
            raise CollectionError(f"{where}: kind is photo or video, not {kind!r}")
        if unit_id is not None and not is_unit_id(unit_id):
            raise CollectionError(f"{where}: unit_id is names with / between them, not {unit_id!r}")
        yield Entry(where, path, unit_id, subject, None if kind is None else _KINDS[kind])


def is_unit_id(unit_id: str) -> bool:
    """Results lie in folders named after the unit, which must not lead elsewhere."""
    return "\0" not in unit_id and not {"", ".", ".."}.intersection(unit_id.split("/"))


def _of_csv(name: str, content: bytes) -> Iterator[tuple[str, list[str | None]]]:
    reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = next(reader, [])
        places = _places(name, header)
        for fields in reader:
            if not fields:
                continue
            where = f"{name}:{reader.line_num}"
            if len(fields) != len(header):
                raise CollectionError(f"{where}: {len(fields)} fields where the header has {len(header)}")
            yield where, [None if place is None else fields[place] or None for place in places]
    except (csv.Error, UnicodeDecodeError) as error:
        raise CollectionError(f"{name}:{reader.line_num + 1}: not CSV in UTF-8: {error}") from error


def _of_parquet(name: str, content: bytes) -> Iterator[tuple[str, list[str | None]]]:
    try:
        file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
        places = _places(name, file.schema_arrow.names)
        columns = [column for column, place in zip(_COLUMNS, places, strict=True) if place is not None]
        number = 0
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                number += 1
                values = (row.get(column) for column in _COLUMNS)
                yield f"{name}, row {number}", [None if value in (None, "") else str(value) for value in values]
    except (pa.ArrowException, OSError) as error:
        raise CollectionError(f"{name}: not a Parquet file: {' '.join(str(error).split())}") from error


def _places(name: str, header: list[str]) -> list[int | None]:
    """Where the columns are."""
    if "path" not in header:
        raise CollectionError(f"{name}:1: no column 'path' among: {', '.join(header) or 'none'}")
    return [header.index(column) if column in header else None for column in _COLUMNS]
