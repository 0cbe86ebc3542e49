"""The figures of the evaluations, from the rows of their tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data import tables
from flows.tables.lfw import SECTION, scope
from flows.tables.quality import CONDITION
from flows.tables.selection import EXPECTED, SETTINGS, Row, grouped, in_order, newest, variants
from tasks.evaluate_quality import CORRUPTED
from tasks.likeness_names import PHOTOGRAPHS

FIGURES = "figures"
"""Folder of the pictures, below that of the results."""


def draw_lfw(out: Path) -> list[Path]:
    """Fig. 9 for each network and choice of photographs, Fig. 10 for each method as well; returns what was drawn."""
    from flows.figures import cosine_histogram, pair_histogram  # matplotlib takes a second to load

    drawn = []
    for rows in _sections(_rows(out, "lfw_photos", (*SECTION, "method", "unit_id", *SETTINGS)), SECTION):
        shown = {name: _values(own) for name, own in _by_method(rows).items()}
        path = out / FIGURES / f"lfw-photo-rendering-{_named(rows[0])}.png"
        cosine_histogram(path, shown, _titled("photographs and their renderings", rows[0]))
        drawn.append(path)
    for rows in _sections(_rows(out, "lfw_pairs", (*SECTION, "method", "first", "second", *SETTINGS)), SECTION):
        for name, own in _by_method(rows).items():
            same, different = ([row for row in own if row["same"] is alike] for alike in (True, False))
            if same and different:
                path = out / FIGURES / f"lfw-pairs-{_named(rows[0])}-{_file_name(name)}.png"
                what = name if own[0]["method"] == PHOTOGRAPHS else f"renderings of {name}"
                pair_histogram(path, _values(same), _values(different), _titled(f"pairs of {what}", rows[0]))
                drawn.append(path)
    return drawn


def draw_quality(out: Path) -> list[Path]:
    """Mean absolute error and each network's cosine, by corruption and method, for each collection; returns what was
    drawn."""
    from flows.figures import corruption_bars

    drawn = []
    rows = [row for row in _rows(out, "image_quality", (*CONDITION, *SETTINGS)) if not row["without"]]
    for (dataset, photographs), own in grouped(rows, "dataset", "photographs").items():
        measures = {"mae": [(row, row["mae"]) for row in own]}
        for network in sorted({network for row in own for network, _ in row["cosines"]}):
            known = [(row, dict(row["cosines"])) for row in own]
            measures[f"cosine-{network}"] = [(row, cosines[network]) for row, cosines in known if network in cosines]
        for measure, values in measures.items():
            path = out / FIGURES / f"quality-{_file_name(dataset)}-{photographs}-{measure}.png"
            unit = "mean absolute error, colours in [0, 1]" if measure == "mae" else measure.replace("-", " of ")
            title = "renderings fitted to corrupted photographs, against the clean ones"
            corruption_bars(path, _by_corruption(values), f"{title}\n{dataset}, {photographs:,} photographs", unit)
            drawn.append(path)
    return drawn


def _by_corruption(measured: Sequence[tuple[Row, float]]) -> dict[str, dict[str, list[float]]]:
    """Method -> corruption -> values, in the order of the tables."""
    value_of = {id(row): value for row, value in measured}
    values: dict[str, dict[str, list[float]]] = {}
    for name, rows in _by_method([row for row, _ in measured]).items():
        found: dict[str, list[float]] = defaultdict(list)
        for row in rows:
            found[row["corruption"]].append(value_of[id(row)])
        values[name] = {corruption: found[corruption] for corruption in in_order(found, CORRUPTED)}
    return values


def _rows(out: Path, table: str, identity: Sequence[str]) -> list[Row]:
    """Rows that are ok, each once."""
    try:
        rows = tables.read(out, table).to_pylist()
    except FileNotFoundError:
        return []
    return [row for row in newest(rows, identity) if row["status"] == "ok"]


def _sections(rows: Sequence[Row], columns: Sequence[str]) -> list[list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        found[tuple(str(row[column]) for column in columns)].append(row)
    return list(found.values())


def _by_method(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of one method, settings and weights, in the order of the tables."""
    found = variants(rows, lambda row: row["method"], SETTINGS)
    return {name: found[name] for name in sorted(found, key=lambda name: _place(found[name][0]["method"]))}


def _place(method: str) -> int:
    return EXPECTED.index(method) if method in EXPECTED else len(EXPECTED)


def _titled(what: str, row: Row) -> str:
    where = f"{row['dataset']}, {scope(row['folds'])}, {row['photographs']:,} photographs"
    return f"{what}, by {row['network']}\n{where}"


def _named(row: Row) -> str:
    """For a file."""
    return _file_name(f"{row['network']}-{scope(row['folds'])}-{row['photographs']}-{row['network_sha256'][:8]}")


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9+_.-]+", "-", text)


def _values(rows: Sequence[Row]) -> NDArray[np.float64]:
    return np.array([row["cosine"] for row in rows])
