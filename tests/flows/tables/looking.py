"""Finding rows of sheets."""

from __future__ import annotations

from flows.tables.sheet import Report, Section, Sheet


def section(sheet: Sheet, title: str) -> Section:
    """The only section whose title begins so."""
    (found,) = (each for each in sheet.sections if each.title.startswith(title))
    return found


def cells(sheet: Sheet, of: Section, name: str) -> dict[str, str]:
    """A row's cells by their columns, of the only row of that name."""
    (row,) = (row for row in of.rows if row[0] == name)
    return dict(zip(sheet.columns, row, strict=True))


def commands(report: Report) -> dict[str, str]:
    """Missing rows -> command."""
    return {missing.rows: missing.command for missing in report.missing}
