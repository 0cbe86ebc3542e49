"""Every table that there are rows for, as Markdown and LaTeX."""

from __future__ import annotations

from pathlib import Path

from data.files import replace_bytes
from flows.tables import rendering
from flows.tables.building import build
from flows.tables.names import TableName

FOLDERS = {
    TableName.one: "micc",
    TableName.two: "textures",
    TableName.lfw: "lfw",
    TableName.quality: "quality",
    TableName.ablation: "quality",
}
"""Where `flows.benchmark` puts the rows of each."""


def missing_rows(out: Path) -> list[str]:
    """What tables lack, and the commands that make it, a line each."""
    reports = [build(name, out / folder) for name, folder in FOLDERS.items()]
    return [f"{missing.rows}: {missing.command}" for report in reports for missing in report.missing]


def write_tables(out: Path) -> list[Path]:
    """Write tables/NAME.md and tables/NAME.tex below ``out``, and return their paths.

    Raises flows.tables.building.UnreadableTableError.
    """
    written = []
    for name, folder in FOLDERS.items():
        report = build(name, out / folder)
        if not report.measured:
            continue
        for suffix, render in (("md", rendering.markdown), ("tex", rendering.latex)):
            path = out / "tables" / f"{name.value}.{suffix}"
            replace_bytes(path, "\n".join(render(sheet) for sheet in report.sheets).encode())
            written.append(path)
    return written
