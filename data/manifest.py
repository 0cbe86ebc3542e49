"""OUT/manifest.jsonl: a journal of the part files, with what each must be, kept by whoever holds the lock of OUT."""

from __future__ import annotations

import dataclasses
import datetime
import fcntl
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet

from data.assets.hashing import sha256_of
from data.files import replace_bytes
from data.migrations import version_of

NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Entry:
    """What is known of a part file that was finished."""

    part: str
    """Path relative to the output folder, forward slashes."""
    rows: int
    bytes: int
    sha256: str
    """Of the file."""
    version: int
    """Of the table's schema."""
    run_id: str
    """The run that wrote the file; `compaction` for a merged one."""
    recorded_at: str
    """UTC, ISO 8601."""


def record(out: Path, parts: Sequence[Path], run_id: str) -> None:
    """Append what these part files are, now that they lie complete below ``out``; forced to disk.

    A later entry of the same part counts. Raises OSError where a part cannot be read or the journal not written.
    """
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    _append(out, [{"recorded": dataclasses.asdict(_entry(out, path, run_id, now))} for path in parts])


def forget(out: Path, parts: Sequence[Path | str]) -> None:
    """Append that these part files (paths, or names relative to ``out``) are no longer known.

    Called before a part is removed or replaced: whatever happens in between, the journal claims nothing wrong.
    """
    if not parts:
        return
    known = entries(out)
    names = [part if isinstance(part, str) else name_of(out, part) for part in parts]
    _append(out, [{"forgotten": name} for name in names if name in known])


def entries(out: Path) -> dict[str, Entry]:
    """Entries by part; none without a journal. What cannot be read is left out: see ``unreadable_lines``."""
    known: dict[str, Entry] = {}
    for event in map(_parsed, _lines(out)):
        if isinstance(event, Entry):
            known[event.part] = event
        elif isinstance(event, str):
            known.pop(event, None)
    return known


def unreadable_lines(out: Path) -> list[int]:
    """Numbers, from 1, of the complete lines that hold no event. A torn last line is none: the next append heals it."""
    return [number for number, line in enumerate(_lines(out), 1) if _parsed(line) is None]


def rewrite(out: Path) -> None:
    """Replace the journal by one line for each part that it knows."""
    kept = entries(out)
    if kept or (out / NAME).exists():
        lines = [_line({"recorded": dataclasses.asdict(kept[part])}) for part in sorted(kept)]
        replace_bytes(out / NAME, b"".join(lines))


def name_of(out: Path, path: Path) -> str:
    """A part's name in the journal."""
    return path.relative_to(out).as_posix()


def _entry(out: Path, path: Path, run_id: str, now: str) -> Entry:
    with pyarrow.parquet.ParquetFile(path) as file:
        rows, version = file.metadata.num_rows, version_of(file.schema_arrow)
    return Entry(name_of(out, path), rows, path.stat().st_size, sha256_of(path), version, run_id, now)


def _append(out: Path, events: Iterable[dict[str, Any]]) -> None:
    content = b"".join(map(_line, events))
    if not content:
        return
    with (out / NAME).open("ab+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # workers forget the parts that they replace
        _drop_torn_line(file)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _drop_torn_line(file: IO[bytes]) -> None:
    """What a kill or a full disk left of a line would spoil the next one."""
    if file.seek(0, os.SEEK_END) == 0:
        return
    file.seek(-1, os.SEEK_END)
    if file.read(1) != b"\n":
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)


def _lines(out: Path) -> list[bytes]:
    try:
        content = (out / NAME).read_bytes()
    except FileNotFoundError:
        return []
    return content.split(b"\n")[:-1]


def _line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


def _parsed(line: bytes) -> Entry | str | None:
    """The entry recorded, the name forgotten, or None."""
    try:
        event = json.loads(line)
        return str(event["forgotten"]) if "forgotten" in event else Entry(**event["recorded"])
    except (ValueError, TypeError, KeyError):
        return None
