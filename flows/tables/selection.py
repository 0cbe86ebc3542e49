"""Which rows of a table are looked at, and which of them belong together."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ganfit_core.methods import METHODS
from tasks.micc_recipes import MEAN_FACE

Row = Mapping[str, Any]

EXPECTED = (MEAN_FACE, *METHODS)
"""The methods that a table should show, in this order."""


SETTINGS = ("preset", "iterations", "face", "seed", "config_sha256", "assets")
"""Columns that tell rows of one method apart: numbers of other settings or weights are never pooled."""


def newest(rows: Iterable[Row], names: Sequence[str]) -> list[Row]:
    """Of the rows that agree in these columns the one that was made last, each in the place of the first.

    Rows of an older version of a protocol than another row's are left out: versions are never compared.
    """
    rows = list(rows)
    versions: dict[str, int] = {}
    for row in rows:
        protocol, version = row["protocol"], int(row["protocol_version"])
        versions[protocol] = max(version, versions.get(protocol, version))
    last: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(str(row[name]) for name in ("protocol", *names))
        if int(row["protocol_version"]) == versions[row["protocol"]] and (
            key not in last or row["created_at"] >= last[key]["created_at"]
        ):
            last[key] = row
    return list(last.values())


def short(value: object) -> str:
    """A value as text; what would be long as the first digits of its hash."""
    text = str(value)
    return text if len(text) <= 20 else hashlib.sha256(text.encode()).hexdigest()[:8]


def variants(rows: Iterable[Row], name_of: Callable[[Row], str], columns: Sequence[str]) -> dict[str, list[Row]]:
    """Rows by name; where rows of one name differ in one of these columns, the name says by what."""
    groups: dict[str, dict[tuple[str, ...], list[Row]]] = {}
    for row in rows:
        values = tuple(short(row[column]) for column in columns)
        groups.setdefault(name_of(row), {}).setdefault(values, []).append(row)
    found = {}
    for name, by_values in groups.items():
        differing = [place for place in range(len(columns)) if len({values[place] for values in by_values}) > 1]
        for values, members in by_values.items():
            found[name + "".join(f", {columns[place]} {values[place]}" for place in differing)] = members
    return found


def grouped(rows: Iterable[Row], *columns: str) -> dict[tuple[Any, ...], list[Row]]:
    """Rows by their values in some columns, in the order of their first rows."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[column] for column in columns), []).append(row)
    return found


def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Names in this order; those that it lacks come last, as they came."""
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def identified(row: Row) -> str:
    """Id and version of a row's protocol."""
    return f"{row['protocol']}@{row['protocol_version']}"


def origin(rows: Sequence[Row]) -> str:
    """A note that says by which settings and code rows were made."""
    said = []
    for column, text in (
        ("preset", "preset"),
        ("iterations", "iterations"),
        ("seed", "seed"),
        ("code_version", "code"),
    ):
        if found := sorted({str(row[column]) for row in rows if row.get(column) is not None}):
            said.append(f"{text} {', '.join(found)}")
    return f"Ours: {'; '.join(said)}."


def weights(rows: Sequence[Row]) -> Iterator[str]:
    """A note where methods that stand together were not made with the same files."""
    found: dict[str, set[str]] = {}
    for row in rows:
        for name, sha256 in dict(row["assets"]).items():
            found.setdefault(name, set()).add(sha256)
    if differing := sorted(name for name, hashes in found.items() if len(hashes) > 1):
        yield f"Rows are of different files of {', '.join(differing)}: compare those of one."


def asked(row: Row) -> dict[str, list[str]]:
    """The options, other than the default ones, that a row was made with."""
    options = {
        "preset": [row["preset"]] if row["preset"] != "laptop" else [],
        "iterations": [] if row["iterations"] is None else [str(row["iterations"])],
        "seed": [str(row["seed"])] if row["seed"] else [],
    }
    return {name: values for name, values in options.items() if values}


def command(words: str, **repeated: Collection[str]) -> str:
    """A command line with each option once for each of its values."""
    options = [
        f"--{name.replace('_', '-')} {shlex.quote(value)}" for name, values in repeated.items() for value in values
    ]
    return " ".join([words, *options])
