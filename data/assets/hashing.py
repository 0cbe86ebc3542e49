"""SHA-256 of files, streamed; and the record of what the shipped weights hash to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs

_CHUNK = 1 << 20


def cache_directory() -> Path:
    """The user's cache of this program, where assets may also be put."""
    return Path(platformdirs.user_cache_dir("ganfit"))


def sha256_of(path: Path) -> str:
    """Hash of the file's bytes in constant memory. Raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def cached_sha256_of(path: Path) -> str:
    """``sha256_of``, remembered in the user's cache while path, size and modification time stay.

    Hashing the default weights takes a second; every run starts with it.
    """
    status = path.stat()
    key = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    store = cache_directory() / "sha256.json"
    try:
        known = json.loads(store.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if key not in known:
        known[key] = sha256_of(path)
        with contextlib.suppress(OSError):  # a read-only home only costs the hashing
            write_json(store, known)
    return str(known[key])


def record_checksum(path: Path, checksums: Path) -> str:
    """Write the hash of ``path`` under its file name into ``checksums`` (JSON) and return it.

    The commands that build or train what data/open ships end with this.
    """
    recorded = json.loads(checksums.read_text(encoding="utf-8")) if checksums.is_file() else {}
    recorded[path.name] = sha256_of(path)
    write_json(checksums, recorded)
    return str(recorded[path.name])


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Replace ``path`` atomically, so that a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(temporary, path)
