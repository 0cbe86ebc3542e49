"""A table without a format, and what a builder of tables returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from data.published import Published

NONE = "–"
"""What a cell without a number shows."""


@dataclass(frozen=True)
class Section:
    """Rows that may be compared with each other."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    """As many cells as the sheet has columns; empty ones do not apply, `NONE` ones have no number."""


@dataclass(frozen=True)
class Sheet:
    """A table. Raises ValueError for a row with another number of cells than there are columns."""

    title: str
    columns: tuple[str, ...]
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()
    """Whole sentences below the table."""
    names: int = 1
    """Columns from the left that hold names; the others hold numbers."""

    def __post_init__(self) -> None:
        for section in self.sections:
            if odd := [row for row in section.rows if len(row) != len(self.columns)]:
                raise ValueError(f"{len(self.columns)} columns, but a row of {section.title!r} has {len(odd[0])}")


@dataclass(frozen=True)
class Missing:
    """Rows that a table lacks."""

    rows: str
    command: str
    """That makes them."""


@dataclass(frozen=True)
class Report:
    """What a builder makes of the rows at hand."""

    sheets: tuple[Sheet, ...]
    missing: tuple[Missing, ...]
    measured: int
    """Rows of Parquet that the sheets show; without any, they hold the literature's numbers alone."""


def mean_and_std(values: Sequence[float], digits: int) -> str:
    """A cell of the mean and the population's standard deviation; of a single number, the number."""
    if not values:
        return NONE
    mean = sum(values) / len(values)
    if len(values) == 1:
        return f"{mean:.{digits}f}"
    std = (sum((value - mean) ** 2 for value in values) / len(values)) ** 0.5
    return f"{mean:.{digits}f} ± {std:.{digits}f}"


def printed(value: float, digits: int) -> str:
    """A published number: with this many digits, and with more where its source prints more."""
    given = len(str(value).partition(".")[2])
    return f"{value:.{max(digits, given)}f}"


def spread(entry: Published) -> str:
    """A cell of a published mean, with the standard deviation where there is one."""
    return printed(entry.value, 2) + ("" if entry.std is None else f" ± {printed(entry.std, 2)}")


def number(value: float | None, digits: int) -> str:
    """A cell of one number."""
    return NONE if value is None else f"{value:.{digits}f}"
