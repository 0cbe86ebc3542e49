"""What each term of the energy is good for (Fast-GANFIT, Sec. 5.4.1): from the rows of the table `image_quality` whose
photographs were left as they are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from data import published
from data.published.fast_ganfit import GANFIT_FIGURE_13, ONE_PHOTOGRAPH
from flows.tables.quality import cosine, networks_of, options
from flows.tables.selection import Row, command, grouped, identified, newest, origin
from flows.tables.sheet import NONE as BLANK
from flows.tables.sheet import Missing, Report, Section, Sheet, number, printed
from ganfit_core.methods import DEFAULT
from tasks.likeness_names import NONE
from tasks.micc_recipes import ABLATION

_SYMBOLS = {
    "identity": "L_id",
    "identity_random": "L^_id",
    "content": "L_con",
    "landmark": "L_lan",
    "pixel": "L_pix",
    "identity_prior": "Reg(p_s)",
    "expression_prior": "Reg(p_e)",
    "light_prior": "Reg(p_l)",
}
"""What the paper calls the terms."""
_SECTION = ("protocol", "dataset", "photographs", "method", "preset", "iterations", "face", "seed", "assets")
_IDENTITY = ("unit_id", "without", *_SECTION)
"""The energy is among the settings: rows to be compared differ in their hash."""
_FULL = ()

Measure = Callable[[Row], float | None]


def report(rows: Sequence[Row], out: str = "OUT") -> Report:
    """The whole energy and what becomes of it without each term, with differences over the photographs of both.

    ``out`` is the folder that the commands for missing rows name.
    """
    rows = newest((row for row in rows if row["corruption"] == NONE), _IDENTITY)
    ablated = {tuple(str(row[name]) for name in _SECTION) for row in rows if row["without"]}
    rows = [row for row in rows if tuple(str(row[name]) for name in _SECTION) in ablated]
    networks = networks_of(rows)
    measures: dict[str, tuple[Measure, int]] = {
        "landmarks, %": (lambda row: row["landmark_error_pct"], 2),
        **{f"cosine, {network.heading}": (functools.partial(cosine, network=network), 3) for network in networks},
        "MAE": (lambda row: row["mae"], 4),
    }
    sections = [Section(_title(members), tuple(_rows(members, measures))) for members in _by_section(rows).values()]
    columns = ("energy", "photographs", *(heading for name in measures for heading in (name, "difference")))
    sections.append(_theirs(len(columns)))
    sheet = Sheet("Ablation: the energy without each of its terms", columns, tuple(sections), tuple(_notes(rows)))
    return Report((sheet,), tuple(_missing(rows, out)), len(rows))


def _by_section(rows: Sequence[Row]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[name]) for name in _SECTION), []).append(row)
    return found


def _title(rows: Sequence[Row]) -> str:
    first = rows[0]
    steps = "" if first["iterations"] is None else f", {first['iterations']} iterations"
    return (
        f"{first['method']}: {identified(first)}, {first['dataset']}, preset {first['preset']}{steps}, "
        f"seed {first['seed']}"
    )


def _rows(rows: Sequence[Row], measures: dict[str, tuple[Measure, int]]) -> Iterator[tuple[str, ...]]:
    by_energy: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        by_energy.setdefault(tuple(row["without"]), []).append(row)
    whole = {row["unit_id"]: row for row in by_energy.get(_FULL, []) if row["status"] == "ok"}
    known = (_FULL, *ABLATION)
    for without in sorted(by_energy, key=lambda terms: known.index(terms) if terms in known else len(known)):
        members = by_energy[without]
        good = [row for row in members if row["status"] == "ok"]
        cells = []
        for measure, digits in measures.values():
            values = [value for row in good if (value := measure(row)) is not None]
            cells.append(number(float(np.mean(values)), digits) if values else BLANK)
            cells.append(_difference(good, whole, measure, digits) if without else "")
        yield (
            _name(without),
            f"{len(good)} of {len(members)}" if len(good) < len(members) else str(len(good)),
            *cells,
        )


def _difference(rows: Sequence[Row], whole: dict[str, Row], measure: Measure, digits: int) -> str:
    """Mean over the photographs that both have, its standard error, and their number where some are lacking."""
    pairs = [(measure(row), measure(whole[row["unit_id"]])) for row in rows if row["unit_id"] in whole]
    found = np.array([one - full for one, full in pairs if one is not None and full is not None])
    if not len(found):
        return BLANK
    error = f" ± {found.std(ddof=1) / np.sqrt(len(found)):.{digits}f}" if len(found) > 1 else ""
    count = f" ({len(found)})" if len(found) < len(rows) else ""
    return f"{found.mean():+.{digits}f}{error}{count}"


def _name(without: Sequence[str]) -> str:
    if not without:
        return "whole"
    return f"without {', '.join(without)} ({', '.join(_SYMBOLS.get(term, term) for term in without)})"


def _theirs(columns: int) -> Section:
    entries = published.by_protocol(GANFIT_FIGURE_13)
    whole = entries[0].value
    blank = ("",) * (columns - 4)
    rows = tuple(
        (entry.method, "1", *blank, printed(entry.value, 3), f"{entry.value - whole:+.3f}" if place else "")
        for place, entry in enumerate(entries)
    )
    return Section(f"{GANFIT_FIGURE_13}, published: {ONE_PHOTOGRAPH}", rows)


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        "Differences are to the whole energy, over the photographs that both have, ± standard error of the mean; the "
        "published ones are of the printed numbers."
    )
    yield f"{GANFIT_FIGURE_13} is of another model: not comparable. Table 1 shows the paper's other ablation."
    if rows:
        yield origin(rows)


def _missing(rows: Sequence[Row], out: str) -> Iterator[Missing]:
    for (dataset, method), members in (grouped(rows, "dataset", "method") or {("", DEFAULT): []}).items():
        present = {tuple(row["without"]) for row in members}
        if lacking := [_name(terms) for terms in (_FULL, *ABLATION) if terms not in present]:
            words = f"ganfit evaluate quality COLLECTION --out {out}"
            line = command(words, leave_one_out=(method,), **options(members))
            yield Missing(" of ".join(filter(None, (f"{method} {'; '.join(lacking)}", dataset))), line)
