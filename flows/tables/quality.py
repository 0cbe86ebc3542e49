"""How near renderings come to clean photographs, fitted to them or to corrupted copies: from the rows of the table
`image_quality`, beside Tables 1 and 2 of Mohaghegh et al."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from data import published
from data.published import mohaghegh
from flows.tables.selection import (
    EXPECTED,
    SETTINGS,
    Row,
    asked,
    command,
    grouped,
    identified,
    in_order,
    newest,
    origin,
    variants,
    weights,
)
from flows.tables.sheet import Missing, Report, Section, Sheet, mean_and_std, spread
from ganfit_core.corruption import CORRUPTIONS
from ganfit_core.methods import DEFAULT, METHODS
from tasks.likeness_names import NONE

CONDITION = ("dataset", "photographs", "unit_id", "method", "without", "corruption")
"""Columns that say what was measured, besides settings."""
_EXPECTED = (NONE, *CORRUPTIONS)
_MEASURES = ("PSNR, dB", "SSIM", "MAE")


def report(rows: Sequence[Row], out: str = "OUT") -> Report:
    """Rows of the whole energy, a section for each corruption, and the literature's in a sheet of its own.

    ``out`` is the folder that the commands for missing rows name.
    """
    rows = newest((row for row in rows if not row["without"]), (*CONDITION, *SETTINGS))
    rows = sorted(rows, key=lambda row: (row["dataset"], row["photographs"]))
    networks = networks_of(rows)
    sections = []
    for (_, dataset, photographs), of_dataset in grouped(rows, "protocol", "dataset", "photographs").items():
        by_corruption = grouped(of_dataset, "corruption")
        for corruption in in_order((name for (name,) in by_corruption), _EXPECTED):
            members = by_corruption[corruption,]
            shown = tuple(_rows(members, networks))
            sections.append(
                Section(f"{corruption}: {identified(members[0])}, {dataset}, {photographs:,} photographs", shown)
            )
    ours = Sheet(
        "Image quality: renderings against the clean photographs, mean ± standard deviation over the photographs",
        ("method", "photographs", *_MEASURES, *(f"cosine, {network.heading}" for network in networks), "landmarks, %"),
        tuple(sections),
        tuple(_notes(rows)),
    )
    return Report((ours, _theirs()), tuple(_missing(rows, out)), len(rows))


class Network(NamedTuple):
    """A network that compared, with its weights."""

    name: str
    sha256: str
    heading: str
    """Its name, with the beginning of the hash where one name stands for several weights."""


def networks_of(rows: Sequence[Row]) -> list[Network]:
    """The networks that compared photographs of these rows, by name."""
    hashes: dict[str, set[str]] = {}
    for row in rows:
        for name, sha256 in dict(row["networks"]).items():
            hashes.setdefault(name, set()).add(sha256)
    return [
        Network(name, sha256, name if len(found) == 1 else f"{name} {sha256[:8]}")
        for name, found in sorted(hashes.items())
        for sha256 in sorted(found)
    ]


def cosine(row: Row, network: Network) -> float | None:
    """A row's cosine by a network; None where it did not compare the photograph."""
    if dict(row["networks"]).get(network.name) != network.sha256:
        return None
    return dict(row["cosines"]).get(network.name)


def _rows(rows: Sequence[Row], networks: Sequence[Network]) -> Iterator[tuple[str, ...]]:
    entries = variants(rows, lambda row: row["method"], SETTINGS)
    ordered = in_order(dict.fromkeys(row["method"] for row in rows), EXPECTED)
    for name in sorted(entries, key=lambda entry: ordered.index(entries[entry][0]["method"])):
        members = entries[name]
        good = [row for row in members if row["status"] == "ok"]
        yield (
            name,
            f"{len(good)} of {len(members)}" if len(good) < len(members) else str(len(good)),
            _cell([row["psnr_db"] for row in good], 2),
            _cell([row["ssim"] for row in good], 3),
            _cell([row["mae"] for row in good], 4),
            *(_cell([cosine(row, network) for row in good], 3) for network in networks),
            _cell([row["landmark_error_pct"] for row in good], 2),
        )


def _cell(values: Sequence[float | None], digits: int) -> str:
    """Mean and standard deviation; with their number where some are not known."""
    known = [value for value in values if value is not None]
    people = f" ({len(known)})" if 0 < len(known) < len(values) else ""
    return mean_and_std(known, digits) + people


def _theirs() -> Sheet:
    entries: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {}
    for entry in published.by_protocol(mohaghegh.QUALITY):
        key = (entry.source.rsplit(", ", 1)[1], entry.dataset)
        row = entries.setdefault(key, {}).get(entry.method, (entry.method,))
        entries[key][entry.method] = (*row, spread(entry))
    sections = [
        Section(f"{dataset} ({table})", tuple(methods.values())) for (table, dataset), methods in entries.items()
    ]
    return Sheet(
        f"Published by Mohaghegh et al.: {mohaghegh.QUALITY}",
        ("method", "PSNR, dB", *mohaghegh.METRICS[1:]),
        tuple(sections),
        ("Other photographs, other corruptions, other networks and another region: not comparable with ours.",),
    )


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    yield (
        "Landmarks: mean distance of the model's 68 points from those of the clean photograph, % of that between the "
        "eyes. Photographs that failed are in no mean."
    )
    yield "In low light, PSNR, SSIM and MAE tell how dark the picture was, not how good the face is."
    yield from weights([row for row in rows if row["method"] in METHODS])
    if rows:
        yield origin(rows)


def _missing(rows: Sequence[Row], out: str) -> Iterator[Missing]:
    """What each dataset lacks; methods that lack the same corruptions stand together."""
    for (dataset, _), members in (grouped(rows, "dataset", "photographs") or {("", 0): []}).items():
        present = {(row["method"], row["corruption"]) for row in members}
        lacking: dict[tuple[str, ...], list[str]] = {}
        for method in EXPECTED:
            if corruptions := tuple(name for name in _EXPECTED if (method, name) not in present):
                lacking.setdefault(corruptions, []).append(method)
        for corruptions, methods in lacking.items():
            # the mean face comes with any method
            named = [name for name in methods if name in METHODS] or [DEFAULT]
            words = f"ganfit evaluate quality COLLECTION --out {out}"
            line = command(words, method=named, corruption=corruptions, **options(members))
            names = f"{', '.join(methods)} ({', '.join(corruptions)})"
            yield Missing(" of ".join(filter(None, (names, dataset))), line)


def options(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Those that more rows like these are made with."""
    if not rows:
        return {}
    first = next((row for row in rows if row["method"] in METHODS), rows[0])
    asked_for = {"photographs": [str(first["photographs"])], **asked(first)}
    return asked_for | ({"face": [first["face"]]} if first["face"] != "largest" else {})
