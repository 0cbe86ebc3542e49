"""What corruptions of a photograph do to a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from flows.figures.canvas import axes, style

_GROUP = 0.8
"""Width of a corruption's bars together; corruptions are 1 apart."""

Measured = Mapping[str, Mapping[str, Sequence[float]]]


def corruption_bars(path: Path, measured: Measured, title: str, unit: str) -> None:
    """A group of bars per corruption, in it a bar per method: the mean over photographs and its standard error.

    Args:
        measured: method -> corruption -> a number per photograph; what a method lacks leaves a gap.
        unit: what the numbers are, on the axis.

    Raises:
        ValueError: there is nothing to show, or a number is not finite.
    """
    values = [value for by_corruption in measured.values() for some in by_corruption.values() for value in some]
    if not values or not np.isfinite(values).all():
        raise ValueError("no numbers to show, or some that are not finite")
    with axes(path) as canvas:
        draw_bars(canvas, measured)
        canvas.set_ylabel(f"{unit}, mean ± standard error")
        canvas.set_title(title)


def draw_bars(canvas: Axes, measured: Measured) -> None:
    """Draw the bars and the legend; corruptions in the order in which they first occur."""
    corruptions = list(dict.fromkeys(name for by_corruption in measured.values() for name in by_corruption))
    width = _GROUP / len(measured)
    for place, (method, by_corruption) in enumerate(measured.items()):
        there = [name for name in corruptions if by_corruption.get(name)]
        centres = [corruptions.index(name) + width * (place - (len(measured) - 1) / 2) for name in there]
        samples = [np.asarray(by_corruption[name]) for name in there]
        errors = [some.std(ddof=1) / np.sqrt(len(some)) if len(some) > 1 else 0.0 for some in samples]
        means = [some.mean() for some in samples]
        look = style(place)
        canvas.bar(
            centres,
            means,
            width,
            yerr=errors,
            color=look.colour,
            hatch=look.hatch,
            error_kw={"linewidth": 1},
            label=method,
        )
    canvas.set_xticks(range(len(corruptions)), corruptions)
    canvas.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
