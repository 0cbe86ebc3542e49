"""Table 2 of Fast-GANFIT from the rows of the table `frechet`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data import published
from data.published import GANFIT_FID
from flows.tables.selection import Row, command, grouped, identified, newest, origin, variants
from flows.tables.sheet import Missing, Report, Section, Sheet, printed

_EXPECTED = ("gan", "vae", "pca", "training maps")
_COLUMNS = ("model", "distance", "KID × 1000 [95 %]", "maps / held-out maps")
# What decides whether distances may stand in one section.
_SECTION = ("protocol", "metric", "extractor_sha256", "resolution", "mask_sha256", "reference_sha256")


def report(rows: Sequence[Row], out: str = "OUT") -> Report:
    """Rows of `frechet` beside Table 2; ``out`` is the folder that the commands for missing rows name."""
    rows = sorted(newest(rows, (*_SECTION, "texture_model", "asset_sha256", "n_generated", "seed")), key=_place)
    sections = [_ours(members) for members in grouped(rows, *_SECTION).values()]
    theirs: dict[str, list[tuple[str, ...]]] = {}
    for entry in published.by_protocol(GANFIT_FID):
        theirs.setdefault(entry.dataset, []).append((entry.method, printed(entry.value, 2), "", ""))
    sections += [
        Section(f"{GANFIT_FID}, published: FID, {dataset}", tuple(entries)) for dataset, entries in theirs.items()
    ]
    sheet = Sheet(
        "Table 2: texture models over UV maps, lower is better", _COLUMNS, tuple(sections), tuple(_notes(rows))
    )
    return Report((sheet,), tuple(_missing(rows, out)), len(rows))


def _ours(rows: Sequence[Row]) -> Section:
    first = rows[0]
    entries = variants(rows, lambda row: row["texture_model"], ("asset_sha256", "n_generated", "seed"))
    return Section(
        f"{identified(first)}: {first['metric']}, {first['resolution']} texels",
        tuple(_row(name, row) for name, (row,) in entries.items()),
    )


def _row(name: str, row: Row) -> tuple[str, ...]:
    return (
        name,
        f"{row['frechet']:.3f}" + (" (!)" if row["warning"] else ""),
        f"{1000 * row['kid']:.2f} [{1000 * row['kid_low']:.2f}, {1000 * row['kid_high']:.2f}]",
        f"{row['n_generated']} / {row['n_reference']}",
    )


def _notes(rows: Sequence[Row]) -> Iterator[str]:
    yield "Distances of different protocols, extractors or reference maps are not comparable."
    yield from (f"(!) {warning}." for warning in sorted({row["warning"] for row in rows if row["warning"]}))
    if rows:
        yield origin(rows)


def _missing(rows: Sequence[Row], out: str) -> Iterator[Missing]:
    for (extractor,), members in (grouped(rows, "extractor") or {("vgg16",): []}).items():
        present = {row["texture_model"] for row in members}
        if lacking := [name for name in _EXPECTED if name not in present]:
            chosen = () if extractor == "vgg16" else (extractor,)
            line = command(f"ganfit textures evaluate MAPS --out {out}", extractor=chosen)
            yield Missing(f"{', '.join(lacking)} by {extractor}", line)


def _place(row: Row) -> tuple[int, str]:
    name = row["texture_model"]
    return _EXPECTED.index(name) if name in _EXPECTED else len(_EXPECTED), name
