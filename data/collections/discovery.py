"""From the paths that a user names to the units below them."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from data.collections.units import Collection, CollectionError, Kind, Unit, kind_of, printable

logger = logging.getLogger(__name__)


def discover(
    paths: Sequence[Path | str], exclude: Sequence[Path] = (), kinds: Sequence[Kind] = ("photo",)
) -> Collection:
    """Photographs named by ``paths`` or lying in folders named by them, at any depth.

    A file that is named is always taken; in a folder, files are taken by their extension and hidden ones are
    left. Links to folders are followed, each folder once. ``exclude`` names folders not to enter, those of
    results.

    Raises CollectionError for a path that does not exist or cannot be listed, and for want of any photograph.
    """
    named = [Path(os.path.abspath(path)) for path in paths]
    for path in named:
        _check(path)
    root = _common_root(named)
    skip = frozenset(os.path.realpath(folder) for folder in exclude)
    found: dict[str, Unit] = {}
    for path in named:
        for file in _files_below(path, skip, kinds) if path.is_dir() else [path]:
            unit_id = printable(os.path.relpath(file, root).replace(os.sep, "/"))
            found[unit_id] = Unit(unit_id, file, kind_of(file.name, kinds) or kinds[0])
    if not found:
        raise CollectionError("no photos found in " + ", ".join(printable(str(path)) for path in paths))
    request = json.dumps(sorted({printable(str(path)) for path in named}))
    return Collection(
        name=printable(root.name) or "root",
        key=hashlib.sha256(request.encode()).hexdigest()[:12],
        units=tuple(found[unit_id] for unit_id in sorted(found)),
    )


def _check(path: Path) -> None:
    shown = printable(str(path))
    if not os.path.lexists(path):
        raise CollectionError(f"no such file or folder: {shown}")
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise CollectionError(f"folder cannot be read: {shown}")
    if not path.is_dir() and not path.is_file():
        raise CollectionError(f"neither a file nor a folder: {shown}")


def _common_root(named: list[Path]) -> Path:
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in named]))


def _files_below(folder: Path, skip: frozenset[str], kinds: Sequence[Kind]) -> Iterator[Path]:
    entered: set[str] = set()

    def complain(error: OSError) -> None:
        logger.warning("folder left out: %s", error)

    for where, subfolders, files in os.walk(folder, followlinks=True, onerror=complain):
        real = os.path.realpath(where)
        if real in entered or real in skip:
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and kind_of(name, kinds):
                yield Path(where, name)
