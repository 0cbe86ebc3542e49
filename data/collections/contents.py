"""A unit's bytes: their hash, and a copy on this machine of what is elsewhere."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data.assets.hashing import sha256_of
from data.collections.remote import FetchError, download
from data.collections.units import IMAGE_EXTENSIONS, Unit


def content_sha256(unit: Unit) -> str | None:
    """Hash of the file's bytes; of a folder of frames, over their names and bytes. None where it cannot be read.

    A remote file that has not been fetched is downloaded for it.
    """
    try:
        with fetched(unit) as here:
            if here.path.is_dir():
                return _frames_sha256(here.path)
            # Reading a named pipe would never end.
            return sha256_of(here.path) if here.path.is_file() else None
    except (OSError, FetchError):
        return None


@contextlib.contextmanager
def fetched(unit: Unit) -> Iterator[Unit]:
    """The unit with a ``path`` that can be opened: itself, or a remote one with a temporary copy, removed afterwards.

    Raises FetchError where it cannot be downloaded, after three tries.
    """
    if unit.url is None or unit.is_here:
        yield unit
        return
    with tempfile.TemporaryDirectory(prefix="ganfit-") as folder:
        # Decoders go by the extension where they go by anything.
        copy = Path(folder, "copy" + unit.path.suffix)
        download(unit.url, copy)
        yield replace(unit, path=copy)


def frame_names(folder: Path) -> list[str]:
    """Names of the images in a folder of frames, those that data.video takes, sorted."""
    with os.scandir(folder) as entries:
        names = [entry.name for entry in entries]
    return sorted(n for n in names if n[0] != "." and os.path.splitext(n)[1].lower() in IMAGE_EXTENSIONS)


def _frames_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in frame_names(folder):
        digest.update(os.fsencode(name) + b"\0" + bytes.fromhex(sha256_of(folder / name)))
    return digest.hexdigest()
