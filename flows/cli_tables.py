"""`ganfit table`: the tables of the evaluations, from their Parquet rows."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.console import err, stop
from flows.tables.names import TableName

if TYPE_CHECKING:
    from flows.tables.sheet import Sheet


class Format(enum.StrEnum):
    """Of flows.tables.rendering."""

    terminal = "terminal"
    markdown = "markdown"
    latex = "latex"


def table(
    name: Annotated[
        TableName,
        typer.Argument(
            help="1: errors against scans; 2: texture models; lfw: cosines; quality: corrupted photographs; ablation.",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder of results.", show_default=False, exists=True, file_okay=False)
    ],
    format: Annotated[Format, typer.Option(help="Markdown, or LaTeX for the package booktabs.")] = Format.terminal,
) -> None:
    """Show a table of results beside the literature's numbers.

    What rows are missing, and the commands that make them, goes to standard error. The exit code is 1 where there are
    none at all.
    """
    from flows.tables.building import UnreadableTableError, build

    try:
        report = build(name, folder)
    except UnreadableTableError as error:
        stop(str(error), 1)
    if report.measured:
        for place, sheet in enumerate(report.sheets):
            if place:
                typer.echo()
            _show(sheet, format)
    for missing in report.missing:
        err.print(f"missing: {missing.rows}\n  {missing.command}")
    if not report.measured:
        stop(f"{folder} has no rows for table {name.value}", 1)


def _show(sheet: Sheet, format: Format) -> None:
    from flows.tables import rendering

    if format is Format.terminal:
        rendering.show(sheet)
    else:
        typer.echo({Format.markdown: rendering.markdown, Format.latex: rendering.latex}[format](sheet), nl=False)
