"""Cosines on LFW (Fast-GANFIT, Fig. 9 and 10) from the rows of the table `lfw_summary`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from data import published
from data.lfw import FOLDS, HELD_OUT_FOLD
from data.published.fast_ganfit import GANFIT_LFW
from evaluation.likeness_protocols import PHOTO_RENDERING
from flows.tables.selection import (
    EXPECTED,
    SETTINGS,
    Row,
    asked,
    command,
    identified,
    in_order,
    newest,
    origin,
    variants,
    weights,
)
from flows.tables.sheet import NONE, Missing, Report, Section, Sheet, number, printed
from ganfit_core.methods import DEFAULT, METHODS
from tasks.likeness_names import PHOTOGRAPHS
from tasks.micc_recipes import MEAN_FACE

ALL_FOLDS = "all folds"
_EXPECTED = (*EXPECTED, PHOTOGRAPHS)
_COLUMNS = (
    "method",
    "photographs",
    "cosine, mean ± std",
    "over people",
    "above 0.5",
    "pairs",
    "AUC",
    "EER",
    "accuracy ± se",
    "TAR @ FAR",
)
SECTION = ("dataset", "folds", "photographs", "network", "network_sha256")
"""Columns of rows that may stand together."""
_IDENTITY = (*SECTION, "method", *SETTINGS)


def report(rows: Sequence[Row], out: str = "OUT") -> Report:
    """Rows of `lfw_summary`, a section for each network and choice of folds, and the literature's by itself.

    ``out`` is the folder that the commands for missing rows name.
    """
    rows = newest(rows, _IDENTITY)
    rows = sorted(rows, key=lambda row: (row["dataset"], len(row["folds"]), row["folds"], *_size(row)))
    sections = [Section(_title(members[0]), tuple(_rows(members))) for members in _by_section(rows).values()]
    blank = ("",) * (len(_COLUMNS) - 3)
    theirs = [
        (entry.method, "", f"{'' if entry.relation == '=' else '> '}{printed(entry.value, 1)}", *blank)
        for entry in published.by_protocol(GANFIT_LFW)
    ]
    metric, dataset = next((entry.metric, entry.dataset) for entry in published.by_protocol(GANFIT_LFW))
    sections.append(Section(f"{GANFIT_LFW}, published: {metric}, {dataset}", tuple(theirs)))
    sheet = Sheet(
        "LFW: cosines of photographs and renderings, and pairs of one person against pairs of two",
        _COLUMNS,
        tuple(sections),
        tuple(_notes(rows)),
    )
    return Report((sheet,), tuple(_missing(rows, out)), len(rows))


def _by_section(rows: Sequence[Row]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(str(row[name]) for name in SECTION), []).append(row)
    return found


def _title(row: Row) -> str:
    where = f"{scope(row['folds'])} of {row['dataset']}, {row['photographs']:,} photographs"
    return f"{row['network']} ({row['network_sha256'][:8]}), {where}"


def _size(row: Row) -> tuple[int, str]:
    return row["photographs"], row["network"]


def scope(folds: Sequence[int]) -> str:
    """What a choice of folds is called."""
    if list(folds) == [HELD_OUT_FOLD]:
        return "held-out fold"
    if sorted(folds) == list(range(1, FOLDS + 1)):
        return ALL_FOLDS
    return f"folds {', '.join(str(fold) for fold in folds)}"


def _rows(rows: Sequence[Row]) -> Iterator[tuple[str, ...]]:
    entries = variants(rows, lambda row: row["method"], SETTINGS)
    methods = {name: members[0]["method"] for name, members in entries.items()}
    ordered = in_order(dict.fromkeys(methods.values()), _EXPECTED)
    for name in sorted(entries, key=lambda entry: ordered.index(methods[entry])):
        of_photos = [row for row in entries[name] if row["protocol"] == PHOTO_RENDERING.id]
        of_pairs = [row for row in entries[name] if row["protocol"] != PHOTO_RENDERING.id]
        yield (
            name,
            *(_of_photos(of_photos[0]) if of_photos else ("",) * 4),
            *(_of_pairs(of_pairs[0]) if of_pairs else ("",) * 5),
        )


def _of_photos(row: Row) -> tuple[str, ...]:
    if row["mean"] is None:
        return _counted(row), NONE, NONE, NONE
    return (
        _counted(row),
        f"{row['mean']:.3f} ± {row['std']:.3f}",
        f"{row['mean_over_people']:.3f} ({row['people']})",
        f"{100 * row['above_half']:.1f} %",
    )


def _of_pairs(row: Row) -> tuple[str, ...]:
    accuracy = NONE if row["accuracy"] is None else f"{row['accuracy']:.4f} ± {row['accuracy_se']:.4f}"
    accepted = NONE if row["tar"] is None else f"{row['tar']:.3f} @ {row['far']:g}"
    return _counted(row), number(row["auc"], 4), number(row["eer"], 4), accuracy, accepted


def _counted(row: Row) -> str:
    total = row["n"] + row["failed"]
    return f"{row['n']} of {total}" if row["failed"] else str(total)


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    protocols = ", ".join(sorted({identified(row) for row in rows}))
    if protocols:
        yield f"By {protocols}. Pairs are of renderings at one pose; {PHOTOGRAPHS}, themselves, are the ceiling."
        yield "Photographs and pairs that failed are in no figure; over people, in brackets: the people."
        yield "Texture models and regressors saw people of folds 1 to 9."
        for members in _by_section(rows).values():
            if all(row["protocol"] == PHOTO_RENDERING.id for row in members):
                yield f"No pair has both of its photographs among the {members[0]['photographs']:,}: ask for more."
    yield f"{GANFIT_LFW} has another network and another crop: not comparable."
    yield from weights([row for row in rows if row["method"] in METHODS])
    if rows:
        yield origin(rows)


def _missing(rows: Sequence[Row], out: str) -> Iterator[Missing]:
    """What each section lacks; sections that lack the same stand together. All folds are made without the mean face."""
    lacking: dict[tuple[Any, ...], tuple[list[str], Row | None]] = {}
    for members in list(_by_section(rows).values()) or [[]]:
        first = members[0] if members else None
        whole = first is not None and scope(first["folds"]) == ALL_FOLDS
        present = {row["method"] for row in members} | ({MEAN_FACE} if whole else set())
        if members and all(row["protocol"] == PHOTO_RENDERING.id for row in members):
            present.add(PHOTOGRAPHS)  # there is no pair of them
        if names := tuple(name for name in _EXPECTED if name not in present):
            key = (names, first and (tuple(first["folds"]), first["photographs"]))
            lacking.setdefault(key, ([], first))[0].extend(_title(row) for row in members[:1])
    for (names, _), (titles, row) in lacking.items():
        # the mean face and the photographs come with any method
        methods = [name for name in names if name in METHODS] or [DEFAULT]
        words = f"ganfit evaluate lfw LFW --out {out}"
        if row is not None and scope(row["folds"]) == ALL_FOLDS:
            words += " --all-folds"
        options = {"photographs": [str(row["photographs"])], **asked(_fitted(rows, row))} if row is not None else {}
        line = command(words, method=methods, **options)
        yield Missing(": ".join(filter(None, ("; ".join(titles), ", ".join(names)))), line)


def _fitted(rows: Sequence[Row], like: Row) -> Row:
    """A row of the same section that says what reconstructions were asked for."""
    section = [row for row in rows if all(row[name] == like[name] for name in SECTION)]
    return next((row for row in section if row["method"] in METHODS), like)
