"""What is wrong with a folder of results, found by reading all of it, and what heals it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from data import manifest, migrations
from data.assets.hashing import sha256_of
from data.compaction import leftovers, partitions
from data.doubles import ROWS_OF_A_UNIT, doubles
from data.parts import MISSING, Damaged, Part, PartError, columns_of, opened, read_group, survey, table_of
from data.schemas import PARTITIONS

_ASIDE = "`ganfit verify OUT --set-aside`; then the command that wrote them, `ganfit run` say, computes the rows again"
_COMPACT = "`ganfit compact OUT`"
HEALED_BY = MappingProxyType(
    {
        "damaged": _ASIDE,
        "altered": _ASIDE,
        MISSING: _ASIDE,
        "no file": "the `ganfit run` that wrote the rows, with --again, writes the files again",
        "doubled": _COMPACT,
        "unrecorded": _COMPACT,
        "older version": _COMPACT + "; until then readers see nulls in the newer columns",
        "leftover": _COMPACT,
        "journal": _COMPACT,
    }
)
"""Kinds of findings, and what to do about each."""
_FILES = ("mesh", "overlay")


@dataclass(frozen=True)
class Finding:
    """Something wrong."""

    kind: str
    """One of ``HEALED_BY``."""
    path: str
    """Relative to the output folder, forward slashes."""
    detail: str


def verify(out: Path) -> list[Finding]:
    """Read every part below ``out`` and compare it with the manifest, its rows with the files that they name.

    Memory grows by what tells a row apart (some 400 bytes a row of the largest partition), not by its vectors. While
    a command writes to ``out``, findings may be passing. Raises FileNotFoundError without any table,
    data.migrations.NewerVersionError for parts of a version that this program does not know, data.parts.PartError for
    one that went or was spoilt after it had been read.
    """
    tables = [table for table in PARTITIONS if (out / table).is_dir()]
    if not tables:
        raise FileNotFoundError(f"no tables in {out}")
    known = manifest.entries(out)
    findings = [
        Finding("journal", manifest.NAME, f"line {line} cannot be read") for line in manifest.unreadable_lines(out)
    ]
    for table in tables:
        parts, damaged = survey(out, table)
        findings += map(_unreadable, damaged)
        readable = []
        for part in parts:
            own = list(_of_part(out, part, known.get(part.path)))
            findings += own
            if not any(finding.kind in ("damaged", "altered", MISSING) for finding in own):
                readable.append(part)
        if table in ROWS_OF_A_UNIT:
            for alike in partitions(readable):
                findings += _doubled(out, alike)
    interrupted = [path.relative_to(out).as_posix() for path in leftovers(out)]
    return findings + [Finding("leftover", path, "of an interrupted write") for path in interrupted]


def to_set_aside(findings: list[Finding]) -> list[Damaged]:
    """The parts among the findings that ``data.parts.set_aside`` heals."""
    return [Damaged(finding.path, finding.detail) for finding in findings if HEALED_BY[finding.kind] == _ASIDE]


def _of_part(out: Path, part: Part, entry: manifest.Entry | None) -> Iterator[Finding]:
    table = table_of(part.path)
    try:
        if entry is not None and sha256_of(out / part.path) != entry.sha256:
            yield Finding("altered", part.path, "other bytes than the manifest's hash is of")
            return
        if entry is None:
            _read_all(out, part)
        gone = _lacking_files(out, part) if table == "reconstructions" else []
    except PartError as error:
        yield _unreadable(error.damaged)
        return
    except FileNotFoundError:  # a run has replaced it
        yield _unreadable(Damaged(part.path, MISSING))
        return
    if gone:
        yield Finding("no file", part.path, f"{len(gone)} that its rows name are not there, the first {gone[0]}")
    if entry is None and table in ROWS_OF_A_UNIT:
        yield Finding("unrecorded", part.path, f"{part.rows} rows that the manifest does not know")
    current = migrations.version_of(migrations.current_schema(table))
    if part.version < current:
        yield Finding("older version", part.path, f"version {part.version} of {table}, now {current}")


def _unreadable(part: Damaged) -> Finding:
    return Finding(MISSING if part.reason == MISSING else "damaged", part.path, part.reason)


def _read_all(out: Path, part: Part) -> None:
    with opened(out, part.path) as file:
        for number in range(file.num_row_groups):
            read_group(file, part.path, number)


def _lacking_files(out: Path, part: Part) -> list[str]:
    rows = columns_of(out, [part.path], _FILES)
    named = (name for column in _FILES for name in rows[column].to_pylist() if name is not None)
    return [name for name in named if not (out / name).is_file()]


def _doubled(out: Path, parts: list[Part]) -> Iterator[Finding]:
    going = doubles(out, [part.path for part in parts])
    if going:
        count = sum(map(len, going.values()))
        detail = (
            f"rows that stand there twice or that newer ones replace: {count}, in {len(going)} of {len(parts)} parts"
        )
        yield Finding("doubled", str(PurePosixPath(parts[0].path).parent), detail)
