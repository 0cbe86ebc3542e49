"""Versions of the tables' schemas, and how rows of an older version become rows of the current one."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import pyarrow as pa

from data import schemas
from data.schemas import PARTITIONS, Dimensions

_UNKNOWN = -1
"""A vector's length where no file tells it: Arrow makes a list of any length of it."""

MIGRATIONS: Mapping[tuple[str, int], Callable[[pa.Table], pa.Table]] = MappingProxyType({})
"""(table, version) -> what makes the next version's columns of that version's.

Needed only where a column is renamed or converted. A column that is new and nullable comes by itself, as nulls: so
came versions 2 and 3 of `reconstructions`.
"""


class NewerVersionError(ValueError):
    """Rows of a version that this program does not know; the message is one line for a user."""


def current_schema(table: str, file: pa.Schema | None = None) -> pa.Schema:
    """Columns of a table's files in the current version, without those that are folders.

    The lengths of the vectors are those of ``file``, the schema of a file of the table, and free without one.
    """
    return _schema(table, Dimensions(*(_length(file, name) for name in ("identity", "expression", "texture"))))


def stored(schema: pa.Schema) -> pa.Schema:
    """A table's columns without those that are folders."""
    folders = PARTITIONS[schema.metadata[b"table"].decode()]
    return pa.schema([field for field in schema if field.name not in folders], metadata=schema.metadata)


def version_of(schema: pa.Schema) -> int:
    """Version that a file's schema was written with. Raises KeyError where it names none."""
    return int((schema.metadata or {})[b"version"])


def check_known(table: str, version: int, path: str) -> None:
    """Raise NewerVersionError where the file ``path`` has a version that comes after the current one."""
    current = version_of(current_schema(table))
    if version > current:
        raise NewerVersionError(
            f"{path} has version {version} of the table {table}, which a newer version of this program wrote; "
            f"this one knows versions up to {current}"
        )


def converts(table: str, version: int) -> bool:
    """Whether a registered function lies between this version and the current one."""
    return any((table, step) in MIGRATIONS for step in range(version, version_of(current_schema(table))))


def upgrade(table: str, rows: pa.Table) -> pa.Table:
    """Rows of any known version as rows of the current one: columns renamed, converted, added as nulls, in order.

    ``rows`` are the content of a file, without the columns that are folders. Raises ValueError for rows that lack a
    column which may not be null.
    """
    for version in range(version_of(rows.schema), version_of(current_schema(table))):
        if (table, version) in MIGRATIONS:
            rows = MIGRATIONS[table, version](rows)
    schema = current_schema(table, rows.schema)
    if lacking := [field.name for field in schema if not field.nullable and field.name not in rows.column_names]:
        raise ValueError(f"rows of {table} lack {', '.join(lacking)}")
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    upgraded = pa.Table.from_arrays(columns, schema=schema)
    upgraded.validate()
    return upgraded


@functools.cache  # asked for with every file, and slow to make
def _schema(table: str, dimensions: Dimensions) -> pa.Schema:
    whole = {
        "reconstructions": lambda: schemas.reconstructions(dimensions),
        "frames": lambda: schemas.frames(dimensions),
        "micc": schemas.micc,
        "frechet": schemas.frechet,
        "lfw_photos": schemas.lfw_photos,
        "lfw_pairs": schemas.lfw_pairs,
        "lfw_summary": schemas.lfw_summary,
        "image_quality": schemas.image_quality,
        "published": schemas.published,
    }[table]()
    return stored(whole)


def _length(file: pa.Schema | None, name: str) -> int:
    if file is None or name not in file.names or not pa.types.is_fixed_size_list(file.field(name).type):
        return _UNKNOWN
    return int(file.field(name).type.list_size)
