"""One writer at a time for a folder of results."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"


class LockedError(RuntimeError):
    """Another process writes to the folder; the message says which, in one line."""


class UnwritableError(RuntimeError):
    """Nothing can be written to the folder; the message says why, in one line."""


@contextlib.contextmanager
def locked(out: Path, command: str) -> Iterator[None]:
    """Hold ``out``, which is made, for ``command`` until the block ends.

    The name, of a command or a flow, is told to those who find it held. The lock is the system's (flock) on the file
    .lock: it ends with the process that holds it, however that ends, and holds across machines where the file system
    does (NFS 4 and most cluster file systems).

    Raises LockedError while another process holds it, UnwritableError where the folder cannot be made or written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise UnwritableError(f"results cannot be written to {out}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(f"{out} is in use by {_described(_read(out))}: wait for it, or end it") from None
        file.truncate(0)
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        json.dump({"command": command, "pid": os.getpid(), "host": socket.gethostname(), "since": now}, file)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def holder(out: Path) -> str | None:
    """Who holds the folder, in a few words; None when nobody does."""
    try:
        with (out / LOCK).open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _described(_read(out))
    return None


def _read(out: Path) -> dict[str, str]:
    try:
        return dict(json.loads((out / LOCK).read_text(encoding="utf-8")))
    except ValueError:  # taken this very moment
        return {}


def _described(held: dict[str, str]) -> str:
    if not held:
        return "another process"
    return f"`{held['command']}` (process {held['pid']} on {held['host']}, since {held['since']})"
