"""What a collection consists of."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["photo", "video"]

IMAGE_EXTENSIONS = frozenset(
    {".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".jp2"}
)
VIDEO_EXTENSIONS = frozenset(
    {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mjpg", ".mjpeg", ".wmv", ".3gp"}
)


class CollectionError(ValueError):
    """The paths given hold no collection; the message is one line for a user."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One photograph or video of a collection."""

    unit_id: str
    """Path relative to the collection's root, with forward slashes: the same on every machine."""
    path: Path
    """Where it is on this machine; of one that is elsewhere, only the name counts until it is fetched."""
    kind: Kind = "photo"
    subject: str | None = None
    """Who is shown, where the collection says it."""
    url: str | None = None
    """Where it is, if not on this machine."""
    signature: str | None = None
    """Made of the size and of when it was changed: the same signature, the same content. None where unknown."""

    @property
    def is_here(self) -> bool:
        """Whether ``path`` can be opened: not so of a remote file until it is fetched."""
        return self.url is None or self.path.is_absolute()

    @property
    def source(self) -> str:
        """Where it was taken from, as the tables write it."""
        return self.url or printable(str(self.path))


@dataclass(frozen=True)
class Collection:
    """Photographs and videos that are processed together."""

    name: str
    """Name of the root folder."""
    key: str
    """Hash of the paths that were asked for: the same request has the same key."""
    units: tuple[Unit, ...]
    """Sorted by unit_id, each once."""


def kind_of(name: str, kinds: Sequence[Kind]) -> Kind | None:
    """Which of ``kinds`` a file is by its name's extension; None for another."""
    extension = name[name.rfind(".") :].lower()
    kind: Kind | None = "photo" if extension in IMAGE_EXTENSIONS else "video" if extension in VIDEO_EXTENSIONS else None
    return kind if kind in kinds else None


def printable(name: str) -> str:
    """Names that are no valid Unicode on disk are escaped, since tables and terminals hold only Unicode."""
    return name if name.isascii() else os.fsencode(name).decode("utf-8", errors="backslashreplace")
