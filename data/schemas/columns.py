"""Columns that say what they hold."""

from __future__ import annotations

import pyarrow as pa


def vector(length: int) -> pa.DataType:
    """So many floats."""
    return pa.list_(pa.float32(), length)


def column(name: str, kind: pa.DataType, description: str, nullable: bool = True) -> pa.Field:
    """A column with its description."""
    return pa.field(name, kind, nullable=nullable, metadata={"description": description})
