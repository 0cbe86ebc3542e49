"""Table 1 of Fast-GANFIT, with its ablation, from the rows of the table `micc`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from data import published
from data.faces_dataset import SETTINGS
from data.published import COSINE, ERROR, MICC_DATASET, Published
from data.published.micc import DENG, FROM_TEXT, GENOVA
from flows.tables.selection import Row, command, grouped, identified, newest, origin, variants
from flows.tables.sheet import NONE, Missing, Report, Section, Sheet, printed, spread
from ganfit_core.methods import DEFAULT, METHODS
from tasks.micc_recipes import FLOOR, Recipe, ablation, table_one

_COLUMNS = ("recipe", "dataset", *SETTINGS, "rigid only", "scale", "cosine")
_IDENTITY = ("dataset", "subject", "setting", "method", "fusion", "without", "seed", "config_sha256")
_EXPECTED = (*table_one(list(METHODS)), *ablation(DEFAULT)[1:])

Figures = dict[str, dict[str, float]]
"""Setting -> figures over the people: n, mean and std (population's) of the error in mm, rigid_mean in mm, scale_mean,
cosine (where it is known), and failed, the number of rows that are not ok."""


def recipe_name(row: Row) -> str:
    """Method, what is left out, and how frames are used."""
    return Recipe(row["method"], row["fusion"], tuple(row["without"])).name


def summary(rows: Sequence[Row], protocol: str) -> dict[str, Figures]:
    """Recipe -> figures, of the rows of one protocol."""
    recipes: dict[str, list[Row]] = {}
    for row in rows:
        if row["protocol"] == protocol:
            recipes.setdefault(recipe_name(row), []).append(row)
    return {name: _figures(group) for name, group in recipes.items()}


def report(rows: Sequence[Row], out: str = "OUT") -> Report:
    """Rows of `micc` beside Table 1 of both papers; ``out`` is the folder that the commands for missing rows name."""
    known = [recipe.name for recipe in _EXPECTED]
    rows = sorted(newest(rows, _IDENTITY), key=lambda row: _place(recipe_name(row), known))
    ours = {
        protocol: [
            (name, dataset, _figures(members))
            for (dataset,), of_dataset in grouped(of_protocol, "dataset").items()
            for name, members in variants(of_dataset, recipe_name, ("seed", "config_sha256")).items()
        ]
        for (protocol,), of_protocol in grouped(rows, "protocol").items()
    }
    cells = [cell for entries in ours.values() for _, _, figures in entries for cell in figures.values()]
    uneven = len({cell["n"] for cell in cells}) > 1
    sections = [
        Section(title, (*(_row(*entry, uneven) for entry in ours[protocol]), *_theirs(protocol)))
        for protocol, title in {row["protocol"]: identified(row) for row in rows}.items()
    ]
    for protocol in (FROM_TEXT, GENOVA):
        if protocol not in ours:
            sections.append(Section(f"{protocol}: published", tuple(_theirs(protocol))))
    sheet = Sheet(
        "Table 1: errors against scans in mm, mean ± standard deviation over the people",
        _COLUMNS,
        tuple(sections),
        tuple(_notes(rows, uneven, sum(int(cell["failed"]) for cell in cells))),
        names=2,
    )
    return Report((sheet,), tuple(_missing(rows, out)), len(rows))


def _figures(rows: Sequence[Row]) -> Figures:
    figures: Figures = {}
    for (setting,), group in grouped(rows, "setting").items():
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
        figures[setting] = own
    return figures


def _row(name: str, dataset: str, figures: Figures, uneven: bool) -> tuple[str, ...]:
    cells = [figures.get(setting, {}) for setting in SETTINGS]
    scales = [cell["scale_mean"] for cell in cells if "scale_mean" in cell]
    return (
        name,
        dataset,
        *(_error(cell, uneven) for cell in cells),
        _of_settings(cells, "rigid_mean"),
        f"{np.mean(scales):.3f}" if scales else NONE,
        _of_settings(cells, "cosine"),
    )


def _error(cell: Mapping[str, float], uneven: bool) -> str:
    people = f" ({cell['n']:.0f})" if uneven and "n" in cell else ""
    return f"{cell['mean']:.2f} ± {cell['std']:.2f}{people}" if "mean" in cell else NONE


def _of_settings(cells: Sequence[Mapping[str, float]], name: str) -> str:
    if not any(name in cell for cell in cells):
        return NONE
    return " / ".join(f"{cell[name]:.2f}" if name in cell else NONE for cell in cells)


def _theirs(protocol: str) -> Iterator[tuple[str, ...]]:
    methods: dict[str, dict[tuple[str, str], Published]] = {}
    for entry in published.by_protocol(protocol):
        methods.setdefault(entry.method, {})[entry.metric, entry.dataset.removeprefix(f"{MICC_DATASET}, ")] = entry
    for method, entries in methods.items():
        cosines = [printed(entries[COSINE, name].value, 2) for name in SETTINGS if (COSINE, name) in entries]
        errors = [spread(entries[ERROR, name]) for name in SETTINGS]
        yield method, f"{MICC_DATASET} (published)", *errors, "", "", " / ".join(cosines)


def _notes(rows: Sequence[Row], uneven: bool, failed: int) -> Iterator[str]:
    yield "Rigid only: without scaling, in mm; it and the cosine for cooperative / indoor / outdoor."
    yield "Rows of different protocols or datasets, other people in other videos, are not comparable."
    if uneven:
        yield "Cells are of different numbers of people, in brackets: compare none of them."
    if failed:
        yield f"{failed} rows are not ok and in no mean; the table `micc` has their reasons."
    deng = ", ".join(f"{peer.method} {spread(peer)}" for peer in published.by_protocol(DENG))
    yield f"By {DENG}, of {MICC_DATASET} without telling the settings apart: {deng}."
    if rows:
        yield origin(rows)


def _missing(rows: Sequence[Row], out: str) -> Iterator[Missing]:
    """Recipes that a dataset of the table lacks in one setting or more, those with the same command together."""
    found = grouped(rows, "dataset", "protocol") or {("", FROM_TEXT): []}
    for (dataset, protocol), members in found.items():
        present = {(recipe_name(row), row["setting"]) for row in members}
        lacking: dict[tuple[bool, tuple[str, ...]], list[Recipe]] = {}
        for recipe in _EXPECTED:
            if settings := tuple(name for name in SETTINGS if (recipe.name, name) not in present):
                lacking.setdefault((bool(recipe.without), settings), []).append(recipe)
        for (left_out, settings), recipes in lacking.items():
            # the floor comes with any method
            methods = dict.fromkeys(recipe.method for recipe in recipes if recipe != FLOOR) or [DEFAULT]
            line = command(
                f"ganfit micc evaluate ROOT --out {out}",
                **{"leave_one_out" if left_out else "method": methods},
                setting=settings if len(settings) < len(SETTINGS) else (),
                protocol=() if protocol == FROM_TEXT else (protocol,),
            )
            names = "; ".join(dict.fromkeys(recipe.name if left_out else recipe.method for recipe in recipes))
            yield Missing(" of ".join(filter(None, (f"{names} ({', '.join(settings)})", dataset))), line)


def _place(name: str, order: Sequence[str]) -> int:
    return order.index(name) if name in order else len(order)
