"""Collections: the photographs below the paths that a user names."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".jp2"}
)


class CollectionError(ValueError):
    """The paths given hold no collection; the message is one line for a user."""


@dataclass(frozen=True)
class Unit:
    """One photograph of a collection."""

    unit_id: str
    """Path relative to the collection's root, with forward slashes: the same on every machine."""
    path: Path
    """Where it is on this machine."""


@dataclass(frozen=True)
class Collection:
    """Photographs that are processed together."""

    name: str
    """Name of the root folder."""
    key: str
    """Hash of the paths that were asked for: the same request has the same key."""
    units: tuple[Unit, ...]
    """Sorted by unit_id, each once."""

    def shards(self, size: int) -> list[tuple[Unit, ...]]:
        """The units in runs of at most ``size``."""
        return [self.units[start : start + size] for start in range(0, len(self.units), size)]


def discover(paths: Sequence[Path], exclude: Sequence[Path] = ()) -> Collection:
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
        for file in _photos_below(path, skip) if path.is_dir() else [path]:
            unit_id = _printable(os.path.relpath(file, root).replace(os.sep, "/"))
            found[unit_id] = Unit(unit_id, file)
    if not found:
        raise CollectionError("no photos found in " + ", ".join(_printable(str(path)) for path in paths))
    request = json.dumps(sorted({_printable(str(path)) for path in named}))
    return Collection(
        name=_printable(root.name) or "root",
        key=hashlib.sha256(request.encode()).hexdigest()[:12],
        units=tuple(found[unit_id] for unit_id in sorted(found)),
    )


def _check(path: Path) -> None:
    shown = _printable(str(path))
    if not os.path.lexists(path):
        raise CollectionError(f"no such file or folder: {shown}")
    if path.is_dir() and not os.access(path, os.R_OK | os.X_OK):
        raise CollectionError(f"folder cannot be read: {shown}")
    if not path.is_dir() and not path.is_file():
        raise CollectionError(f"neither a file nor a folder: {shown}")


def _common_root(named: list[Path]) -> Path:
    return Path(os.path.commonpath([path if path.is_dir() else path.parent for path in named]))


def _photos_below(folder: Path, skip: frozenset[str]) -> Iterator[Path]:
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
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS:
                yield Path(where, name)


def _printable(name: str) -> str:
    """Names that are no valid Unicode on disk are escaped, since tables and terminals hold only Unicode."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")
