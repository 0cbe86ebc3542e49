"""CelebA's list of who is shown in which photograph."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType

from data.collections.units import CollectionError

FILE_NAME = "identity_CelebA.txt"

_NOBODY: Mapping[str, str] = MappingProxyType({})


class Identities:
    """Subjects of a folder's photographs by name without extension, from a list beside them or one level above."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        """``read`` gives the content of a folder's list, None without one."""
        self._read = read
        self._known: dict[str, Mapping[str, str]] = {}

    def of(self, folder: str, parent: str) -> Mapping[str, str]:
        """Raises CollectionError for a list that is not one."""
        return self._own(folder) or self._own(parent)

    def _own(self, folder: str) -> Mapping[str, str]:
        if folder not in self._known:
            content = self._read(folder)
            self._known[folder] = _NOBODY if content is None else _parse(content, folder)
        return self._known[folder]


def _parse(content: bytes, folder: str) -> Mapping[str, str]:
    subjects = {}
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), 1):
        fields = line.split()
        if len(fields) != 2:
            raise CollectionError(f"{folder}/{FILE_NAME}:{number}: not a file's name and an identity: {line[:40]!r}")
        subjects[os.path.splitext(fields[0])[0]] = fields[1]
    return subjects
