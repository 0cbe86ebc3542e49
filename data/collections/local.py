"""Folders, files and patterns on this machine."""

from __future__ import annotations

import functools
import glob
import logging
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data.collections.identities import FILE_NAME, Identities
from data.collections.listing import Address, Listing, Request, units_in
from data.collections.units import CollectionError, Kind, kind_of, printable

logger = logging.getLogger(__name__)


def request(path: str, skip: frozenset[str], kinds: Sequence[Kind]) -> Request:
    """A folder, a file, or a pattern where nothing has this very name; ``skip`` are real paths not to enter.

    Raises CollectionError for a path that does not exist or cannot be listed.
    """
    if glob.has_magic(path) and not os.path.lexists(path):
        folder, pattern = _split(path)
        _check(folder)
        text, listings = os.path.join(folder, pattern), _matches(folder, pattern, skip)
    else:
        text = os.path.abspath(path)
        _check(text)
        is_folder = os.path.isdir(text)
        folder = text if is_folder else os.path.dirname(text)
        listings = _below(text, skip, kinds) if is_folder else _alone(text)
    return Request(printable(text), address_of(folder), functools.partial(units_in, listings, kinds))


def address_of(path: str) -> Address:
    """Of an absolute path."""
    return ("file", *filter(None, path.split(os.sep)))


def signature_of(path: str | os.DirEntry[str]) -> tuple[str | None, bool]:
    """A file's signature, None where it has none, and whether it is a folder instead."""
    try:
        status = path.stat() if isinstance(path, os.DirEntry) else os.stat(path)
    except OSError:
        return None, False
    if not stat.S_ISREG(status.st_mode):
        return None, stat.S_ISDIR(status.st_mode)
    return f"{status.st_size}-{status.st_mtime_ns}", False


def _check(path: str) -> None:
    shown = printable(path)
    if not os.path.lexists(path):
        raise CollectionError(f"no such file or folder: {shown}")
    if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK):
        raise CollectionError(f"folder cannot be read: {shown}")
    if not os.path.isdir(path) and not os.path.isfile(path):
        raise CollectionError(f"neither a file nor a folder: {shown}")


def _split(path: str) -> tuple[str, str]:
    """The folder from which a pattern is searched, and the pattern in it."""
    parts = Path(path).parts
    first = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return os.path.abspath(os.path.join("", *parts[:first])), os.path.join(*parts[first:])


def _alone(file: str) -> Iterator[Listing]:
    folder, name = os.path.split(file)
    yield _listing(folder, [(name, signature_of(file)[0])], _identities(), by_name=True)


def _matches(folder: str, pattern: str, skip: frozenset[str]) -> Iterator[Listing]:
    """The files that a pattern matches, each folder once by whatever links it is reached."""
    found: dict[str, list[str]] = {}
    for match in glob.iglob(pattern, root_dir=folder, recursive=True):
        where, name = os.path.split(os.path.join(folder, match))
        found.setdefault(where, []).append(name)
    entered: set[str] = set()
    identities = _identities()
    for where in sorted(found, key=lambda path: (path.count(os.sep), path)):
        real = os.path.realpath(where)
        if real in entered or any(Path(real).is_relative_to(other) for other in skip):
            continue
        entered.add(real)
        states = [(name, *signature_of(os.path.join(where, name))) for name in found[where]]
        yield _listing(where, [(name, signature) for name, signature, is_folder in states if not is_folder], identities)


def _below(top: str, skip: frozenset[str], kinds: Sequence[Kind]) -> Iterator[Listing]:
    """Folders before those in them, links to folders followed; each folder once."""
    entered: set[str] = set()
    identities = _identities()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in entered or real in skip:
            continue
        entered.add(real)
        try:
            files, subfolders = _scan(folder, kinds)
        except OSError as error:
            logger.warning("folder left out: %s", error)
            continue
        waiting += [os.path.join(folder, name) for name in sorted(subfolders, reverse=True)]
        yield _listing(folder, files, identities)


def _scan(folder: str, kinds: Sequence[Kind]) -> tuple[list[tuple[str, str | None]], list[str]]:
    files: list[tuple[str, str | None]] = []
    subfolders: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                subfolders.append(entry.name)
            elif kind_of(entry.name, kinds):
                files.append((entry.name, signature_of(entry)[0]))
    return files, subfolders


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _listing(
    folder: str, files: list[tuple[str, str | None]], identities: Identities, by_name: bool = False
) -> Listing:
    subjects = identities.of(folder, os.path.dirname(folder))
    return Listing(address_of(folder), files, _placed_in(Path(folder)), subjects, by_name)


def _placed_in(folder: Path) -> Callable[[str], tuple[Path, str | None]]:
    return lambda name: (folder / name, None)


def _identities() -> Identities:
    def read(folder: str) -> bytes | None:
        try:
            return Path(folder, FILE_NAME).read_bytes()
        except OSError:
            return None

    return Identities(read)
