"""Many small part files become few large ones, sorted, in the current version, without doubles."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute

from data import manifest, migrations
from data.doubles import ROWS_OF_A_UNIT, drop_doubles
from data.parts import MISSING, Part, columns_of, drop_rows, opened, read_group, survey, table_of
from data.schemas import PARTITIONS
from data.tables import write_file

ROW_GROUP = 8192
"""Rows that are read and written at a time, some 30 MB of `reconstructions`."""
RUN_ID = "compaction"
"""What the manifest has in place of a run for merged parts."""


class CompactionError(RuntimeError):
    """The folder cannot be compacted as it is; the message is one line for a user."""


@dataclass(frozen=True)
class Compacted:
    """What became of one partition."""

    folder: str
    """Relative to the output folder."""
    parts_before: int
    parts_after: int
    rows: int
    """That are left."""
    dropped: int
    """Rows that newer ones had replaced, or that stood there twice."""


def compact(out: Path, rows_per_part: int = 100_000) -> list[Compacted]:
    """Merge the parts of `reconstructions` and `frames` into parts of about ``rows_per_part`` rows.

    Parts of half that size and of the current version are left alone. The parts of the other tables are replaced by
    their names when a command is repeated, so they are only brought to the current version. The manifest then knows
    every part, and has one line for each. Cut short at any moment, it loses nothing: rows may stand there twice until
    it is called again. The caller holds the lock of ``out``.

    Raises CompactionError for damaged parts, data.migrations.NewerVersionError for parts of a version that this
    program does not know, OSError where ``out`` cannot be written.
    """
    tables = [table for table in PARTITIONS if (out / table).is_dir()]
    for damaged in (damaged for table in tables for damaged in survey(out, table)[1]):
        if damaged.reason != MISSING:
            raise CompactionError(f"{damaged.path} is damaged ({damaged.reason}): `ganfit verify` says what to do")
    for path in leftovers(out):
        path.unlink()
    done = []
    for table in tables:
        if table in ROWS_OF_A_UNIT:
            done += [_compact_partition(out, folder, rows_per_part) for folder in partitions(survey(out, table)[0])]
        else:
            for part in _outdated(table, survey(out, table)[0]):
                drop_rows(out, part.path, [])  # rewritten where it is
    manifest.rewrite(out)
    return done


def partitions(parts: Sequence[Part]) -> list[list[Part]]:
    """Parts by the folder that they lie in."""
    found: dict[PurePosixPath, list[Part]] = defaultdict(list)
    for part in parts:
        found[PurePosixPath(part.path).parent].append(part)
    return list(found.values())


def leftovers(out: Path) -> list[Path]:
    """Half files that a kill left behind where only the holder of the lock writes."""
    found = list(out.glob(f".{manifest.NAME}.*"))
    for table in ROWS_OF_A_UNIT:
        found += (out / table).rglob(".part-*.parquet.*")
    return sorted(found)


def _outdated(table: str, parts: Sequence[Part]) -> list[Part]:
    current = migrations.version_of(migrations.current_schema(table))
    return [part for part in parts if part.version < current]


def _compact_partition(out: Path, parts: list[Part], rows_per_part: int) -> Compacted:
    table, folder = table_of(parts[0].path), str(PurePosixPath(parts[0].path).parent)
    dropped = drop_doubles(out, [part.path for part in parts])
    left = _parts_of(out, table, folder)
    small = [part for part in left if part.rows < rows_per_part / 2]
    outdated = _outdated(table, left)
    for group in _groups(out, sorted({*small, *outdated}, key=lambda part: part.path), rows_per_part):
        if len(group) > 1 or group[0] in outdated:
            _merge(out, table, folder, group)
    after = _parts_of(out, table, folder)
    known = manifest.entries(out)
    manifest.record(out, [out / part.path for part in after if part.path not in known], RUN_ID)
    return Compacted(folder, len(parts), len(after), sum(part.rows for part in after), dropped)


def _parts_of(out: Path, table: str, folder: str) -> list[Part]:
    return [part for part in survey(out, table)[0] if str(PurePosixPath(part.path).parent) == folder]


def _groups(out: Path, parts: list[Part], rows_per_part: int) -> Iterator[list[Part]]:
    """Parts of the same columns, neighbours by their units, in groups that make one part each."""
    alike: dict[pa.Schema, list[tuple[str, Part]]] = defaultdict(list)
    for part in parts:
        with opened(out, part.path) as file:
            schema = migrations.current_schema(table_of(part.path), file.schema_arrow)
        first = min(columns_of(out, [part.path], ["unit_id"])["unit_id"].to_pylist())
        alike[schema].append((first, part))
    for candidates in alike.values():
        group: list[Part] = []
        for _, part in sorted(candidates, key=lambda candidate: (candidate[0], candidate[1].path)):
            if group and sum(member.rows for member in group) + part.rows > rows_per_part:
                yield group
                group = []
            group.append(part)
        yield group


def _merge(out: Path, table: str, folder: str, group: list[Part]) -> None:
    names = [part.path for part in group]
    with opened(out, names[0]) as file:
        schema = migrations.current_schema(table, file.schema_arrow)
    # a name never used before: parts of the same names may be merged again after they were computed again
    path = out / folder / f"part-{uuid.uuid4().hex[:16]}-00000.parquet"
    write_file(path, schema, _sorted_rows(out, table, names))
    manifest.record(out, [path], RUN_ID)
    manifest.forget(out, names)  # before they go: the journal must not take them for lost
    for name in names:
        (out / name).unlink()


def _sorted_rows(out: Path, table: str, parts: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of these parts by unit, a row group at a time.

    A row group of a part is read when the first of its rows is due and let go after the last: where the parts hold
    units one after another, few are there at a time.
    """
    columns = ["unit_id", ROWS_OF_A_UNIT[table]]
    keys = columns_of(out, parts, columns)
    order = pa.compute.sort_indices(keys, [(name, "ascending") for name in columns]).to_numpy()
    sources: list[tuple[str, int]] = []
    places = []
    for part in parts:
        with opened(out, part) as file:
            sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        places += [np.stack((np.full(size, len(sources) + n), np.arange(size))) for n, size in enumerate(sizes)]
        sources += [(part, number) for number in range(len(sizes))]
    source, row = np.concatenate(places, axis=1)[:, order]
    last = np.zeros(len(sources), np.int64)
    np.maximum.at(last, source, np.arange(len(source)))
    held: dict[int, pa.Table] = {}
    for start in range(0, len(order), ROW_GROUP):
        chunk = slice(start, start + ROW_GROUP)
        due = np.unique(source[chunk])
        for number in due.tolist():
            if number not in held:
                held[number] = _read(out, *sources[number])
        offsets = np.cumsum([0, *(len(held[number]) for number in due)])[:-1]
        wanted = offsets[np.searchsorted(due, source[chunk])] + row[chunk]
        yield pa.concat_tables(held[number] for number in due.tolist()).take(wanted)
        held = {number: rows for number, rows in held.items() if last[number] >= chunk.stop}


def _read(out: Path, part: str, number: int) -> pa.Table:
    with opened(out, part) as file:
        return read_group(file, part, number)
