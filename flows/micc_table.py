"""Table 1 of Fast-GANFIT from the rows of the table `micc`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from rich.table import Table

from data import published

Row = Mapping[str, Any]


def summary(rows: Sequence[Row], protocol: str) -> dict[str, dict[str, dict[str, float]]]:
    """Recipe -> setting -> figures over the people, of the rows of one protocol whose status is ok.

    Figures: n, mean and std (population's) of the error in mm, rigid_mean in mm, scale_mean, cosine (where it is known)
    and failed, the number of rows that are not ok.
    """
    figures: dict[str, dict[str, dict[str, float]]] = {}
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        if row["protocol"] == protocol:
            groups.setdefault((recipe_name(row), row["setting"]), []).append(row)
    for (recipe, setting), group in groups.items():
        good = [row for row in group if row["status"] == "ok"]
        own: dict[str, float] = {"n": len(good), "failed": len(group) - len(good)}
        if good:
            errors = np.array([row["error_mm"] for row in good])
            own |= {"mean": float(errors.mean()), "std": float(errors.std())}
            own["rigid_mean"] = float(np.mean([row["rigid_error_mm"] for row in good]))
            own["scale_mean"] = float(np.mean([row["scale"] for row in good]))
        cosines = [row["cosine"] for row in good if row["cosine"] is not None]
        if cosines:
            own["cosine"] = float(np.mean(cosines))
        figures.setdefault(recipe, {})[setting] = own
    return figures


def recipe_name(row: Row) -> str:
    """Method, what is left out, and how frames are used."""
    left_out = " without " + ", ".join(row["without"]) if row["without"] else ""
    fusion = "" if row["fusion"] == "none" else f", {row['fusion']}"
    return f"{row['method']}{left_out}{fusion}"


def micc_table(rows: Sequence[Row], protocol: str) -> Table:
    """Ours, mean +- std over the people for each setting, then the literature's under their own protocol ids."""
    figures = summary(rows, protocol)
    settings = list(dict.fromkeys(row["setting"] for row in rows))
    dataset = rows[0]["dataset"]
    table = Table(title=f"{dataset} by {protocol}: error in mm, lower is better", title_justify="left")
    table.add_column("recipe")
    for setting in settings:
        table.add_column(f"{setting}\nmean ± std", justify="right", no_wrap=True)
    table.add_column("rigid only\n" + " / ".join(name[:4] for name in settings), justify="right")
    table.add_column("scale", justify="right")
    table.add_column("cosine\n" + " / ".join(name[:4] for name in settings), justify="right")
    uneven = len({cell["n"] for by_setting in figures.values() for cell in by_setting.values()}) > 1
    for recipe, by_setting in figures.items():
        cells = [by_setting.get(setting, {}) for setting in settings]
        scales = [cell["scale_mean"] for cell in cells if "scale_mean" in cell]
        table.add_row(
            recipe,
            *(_error(cell, uneven) for cell in cells),
            " / ".join(_number(cell, "rigid_mean") for cell in cells),
            f"{np.mean(scales):.3f}" if scales else "",
            " / ".join(_number(cell, "cosine") for cell in cells),
        )
    for theirs in _published():
        table.add_section()
        table.add_row(f"published: {theirs[0]}", *("" for _ in settings), "", "", "")
        for method, numbers in theirs[1]:
            errors = [numbers.get((published.ERROR_MEAN, setting)) for setting in settings]
            spreads = [numbers.get((published.ERROR_STD, setting)) for setting in settings]
            cosines = [numbers.get((published.COSINE, setting)) for setting in settings]
            ranges = [
                "" if mean is None else f"{mean:.2f} ± {std:.2f}" for mean, std in zip(errors, spreads, strict=True)
            ]
            shown = [f"{cosine:.2f}" for cosine in cosines if cosine is not None]
            table.add_row(method, *ranges, "", "", " / ".join(shown))
    failed = sum(int(cell["failed"]) for by_setting in figures.values() for cell in by_setting.values())
    notes = [f"Published rows are of {published.MICC_DATASET}: other people, other videos."]
    if uneven:
        notes.append("Cells are of different numbers of people, in brackets: compare none of them.")
    if failed:
        notes.append(f"{failed} rows are not ok and in no mean; the table `micc` has their reasons.")
    table.caption, table.caption_justify = " ".join(notes), "left"
    return table


def _published() -> Iterator[tuple[str, list[tuple[str, dict[tuple[str, str], float]]]]]:
    """Protocol -> method -> (metric, setting) -> number."""
    found: dict[str, dict[str, dict[tuple[str, str], float]]] = {}
    for entry in published.PUBLISHED:
        dataset, _, setting = entry.dataset.partition(", ")
        if dataset == published.MICC_DATASET:
            found.setdefault(entry.protocol, {}).setdefault(entry.method, {})[entry.metric, setting] = entry.value
    yield from ((protocol, list(methods.items())) for protocol, methods in found.items())


def _error(cell: Mapping[str, float], uneven: bool) -> str:
    people = f" ({cell['n']:.0f})" if uneven and "n" in cell else ""
    return f"{cell['mean']:.2f} ± {cell['std']:.2f}{people}" if "mean" in cell else ""


def _number(cell: Mapping[str, float], name: str) -> str:
    return f"{cell[name]:.2f}" if name in cell else "-"
