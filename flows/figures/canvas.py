"""An empty picture that becomes a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from data.files import replace

SIZE_INCHES = (9.0, 4.8)
DPI = 150

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c564b")
"""Told apart with colour-blind eyes too (Okabe and Ito's, and a brown in the place of their yellow)."""
LINES = ("-", "--", ":")
HATCHES = ("", "//", "..")


@contextmanager
def axes(path: Path) -> Iterator[Axes]:
    """Axes to draw on; on leaving, ``path`` is replaced by the picture, whole or not at all."""
    # names are the user's and may hold a dollar sign, which would begin a formula
    with rc_context({"text.parse_math": False, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=SIZE_INCHES, dpi=DPI, layout="constrained")
        yield figure.subplots()
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, lambda file: figure.savefig(file, format="png"))


class Style(NamedTuple):
    """How one thing of several is drawn."""

    colour: str
    line: str
    hatch: str


def style(place: int) -> Style:
    """The style of the n-th thing that is drawn; all differ, up to 24."""
    again = place // len(COLOURS) % len(LINES)
    return Style(COLOURS[place % len(COLOURS)], LINES[again], HATCHES[again])
