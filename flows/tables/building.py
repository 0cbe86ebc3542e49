"""A table by name, from the rows in a folder."""

from __future__ import annotations

import shlex
from pathlib import Path

from data import tables
from flows.tables import ablation, lfw, micc, quality, textures
from flows.tables.names import TableName
from flows.tables.sheet import Report

_BUILDERS = {
    TableName.one: ("micc", micc.report),
    TableName.two: ("frechet", textures.report),
    TableName.lfw: ("lfw_summary", lfw.report),
    TableName.quality: ("image_quality", quality.report),
    TableName.ablation: ("image_quality", ablation.report),
}


class UnreadableTableError(RuntimeError):
    """The rows cannot be read; the message says why, in one line."""


def build(name: TableName, folder: Path) -> Report:
    """The table, without rows where there are none. Raises UnreadableTableError."""
    source, builder = _BUILDERS[name]
    try:
        rows = tables.read(folder, source).to_pylist()
    except FileNotFoundError:
        rows = []
    except (OSError, ValueError) as error:
        message = f"the table {source} of {folder} cannot be read: {error}; `ganfit verify {folder}` says more"
        raise UnreadableTableError(message) from error
    return builder(rows, shlex.quote(str(folder)))
