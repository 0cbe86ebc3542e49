"""Room on the disk."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors after which nothing more can be written: disk full, quota used up, mounted read-only."""


class DiskSpaceError(RuntimeError):
    """There is less room than the results are going to take; the message says how much of each."""


def require_space(folder: Path, needed: int) -> None:
    """Check that ``needed`` bytes can be written below ``folder``, which need not exist. Raises DiskSpaceError."""
    there = folder.absolute()
    while not there.exists():
        there = there.parent
    free = shutil.disk_usage(there).free
    if needed > free:
        raise DiskSpaceError(
            f"the results are going to take about {needed / 2**30:.1f} GiB and {folder} has {free / 2**30:.1f} GiB "
            "left: make room, choose another folder, or let `ganfit run` write fewer files (--files)"
        )
