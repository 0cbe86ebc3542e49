"""The figures of the evaluations, from the rows of their tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data import tables
from data.lfw import HELD_OUT_FOLD
from flows.tables.selection import EXPECTED, grouped, in_order
from tasks.evaluate_quality import CORRUPTED

Row = Mapping[str, Any]

FIGURES = "figures"
"""Folder of the pictures, below that of the results."""


def draw_lfw(out: Path) -> list[Path]:
    """Fig. 9 for each network and Fig. 10 for each network and method, of the held-out fold; returns what was drawn."""
    from flows.figures import cosine_histogram, pair_histogram  # matplotlib takes a second to load

    drawn = []
    for network, rows in _by(_rows(out, "lfw_photos"), "network").items():
        cosines = {method: _values(own, "cosine") for method, own in _by(rows, "method").items()}
        shown = {name: cosines[name] for name in in_order(cosines, EXPECTED)}
        path = out / FIGURES / f"lfw-photo-rendering-{network}.png"
        cosine_histogram(path, shown, f"LFW, held-out fold: photographs and their renderings, {network}", {})
        drawn.append(path)
    for network, rows in _by(_rows(out, "lfw_pairs"), "network").items():
        for method, own in _by(rows, "method").items():
            path = out / FIGURES / f"lfw-pairs-{network}-{method.replace(' ', '-')}.png"
            same = [row for row in own if row["same"]]
            different = [row for row in own if not row["same"]]
            if same and different:
                title = f"LFW, held-out fold: pairs of {method}, {network}"
                pair_histogram(path, _values(same, "cosine"), _values(different, "cosine"), title, None)
                drawn.append(path)
    return drawn


def draw_quality(out: Path) -> list[Path]:
    """Mean absolute error and each network's cosine, by corruption and method; returns what was drawn."""
    from flows.figures import corruption_bars

    rows = [row for row in _rows(out, "image_quality") if not row["without"]]
    if not rows:
        return []
    measures = {"mae": [(row, row["mae"]) for row in rows]}
    for network in sorted({network for row in rows for network, _ in row["cosines"]}):
        named = [(row, dict(row["cosines"])) for row in rows]
        measures[f"cosine-{network}"] = [(row, cosines[network]) for row, cosines in named if network in cosines]
    drawn = []
    for name, measured in measures.items():
        values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        for row, value in measured:
            values[row["method"]][row["corruption"]].append(value)
        ordered = {
            method: {corruption: values[method][corruption] for corruption in in_order(values[method], CORRUPTED)}
            for method in in_order(values, EXPECTED)
        }
        path = out / FIGURES / f"quality-{name}.png"
        unit = "mean absolute error, colours in [0, 1]" if name == "mae" else name.replace("-", " of ")
        corruption_bars(path, ordered, "Renderings fitted to corrupted photographs, against the clean ones", unit)
        drawn.append(path)
    return drawn


def _rows(out: Path, table: str) -> list[Row]:
    """Rows that are ok; of tables of LFW, those of the held-out fold."""
    try:
        rows = tables.read(out, table).to_pylist()
    except FileNotFoundError:
        return []
    return [row for row in rows if row["status"] == "ok" and row.get("fold", HELD_OUT_FOLD) == HELD_OUT_FOLD]


def _by(rows: Sequence[Row], column: str) -> dict[str, list[Row]]:
    return {name: own for (name,), own in grouped(rows, column).items()}


def _values(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    return np.array([row[column] for row in rows])
