"""Listings of folders, wherever they are, and the units in them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from data.collections.units import Kind, Unit, kind_of, printable

Address = tuple[str, ...]
"""Protocol and names of folders from the outermost on: what files have in common tells where their ids begin."""

_LFW_NAME = re.compile(r"_\d{4}\.[^.]+")


@dataclass(frozen=True)
class Listing:
    """Files of one folder."""

    address: Address
    """Of the folder."""
    files: Sequence[tuple[str, str | None]]
    """Their names and signatures."""
    place: Callable[[str], tuple[Path, str | None]]
    """From a file's name to its path and its URL."""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """Who is shown, by the file's name without extension, where the folder has a list."""
    by_name: bool = False
    """Whether the files were named themselves, and are taken whatever their extension."""


@dataclass(frozen=True)
class Request:
    """One of the paths that a collection is asked for with."""

    text: str
    """The same for the same request."""
    root: Address
    """Of the folder from which ids begin, were this the only path."""
    units: Callable[[Address], Iterator[Unit]]
    """The units, with ids from that folder on."""


def units_in(listings: Iterator[Listing], kinds: Sequence[Kind], root: Address) -> Iterator[Unit]:
    """The files that are of these kinds, with ids from ``root`` on."""
    for listing in listings:
        prefix = "".join(f"{part}/" for part in listing.address[len(root) :])
        for name, signature in listing.files:
            path, url = listing.place(name)
            kind = kind_of(path.name, kinds) or (kinds[0] if listing.by_name else None)
            if kind is not None:
                subject = _subject(name, listing) if kind == "photo" else None
                yield Unit(printable(prefix + name), path, kind, subject, url, signature)


def _subject(name: str, listing: Listing) -> str | None:
    """By the folder's list, or as Labeled Faces in the Wild names files: Name/Name_0001.jpg."""
    if listing.subjects:
        return listing.subjects.get(os.path.splitext(name)[0])
    folder = listing.address[-1]
    if name.startswith(folder) and _LFW_NAME.fullmatch(name, len(folder)):
        return printable(folder)
    return None
