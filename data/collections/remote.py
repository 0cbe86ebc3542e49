"""Files elsewhere, by fsspec: their listings, and copies of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from data.collections.units import CollectionError

T = TypeVar("T")

TRIES = 3
FIRST_WAIT = 0.5
"""Seconds before the second try; each later wait is twice as long."""

_LASTING = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, ImportError, ValueError)


class FetchError(Exception):
    """A remote file cannot be downloaded; `reason` says why in a few words, fit for a table."""

    def __init__(self, reason: str, lasting: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting
        """Whether it would fail again: the file is not there, or not for us."""


def is_url(text: str) -> bool:
    """Whether it names something by a protocol, as s3://bucket/photos or zip://*.jpg::photos.zip do."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.\-]+(://|::)", text) is not None


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system and the path in it. Raises CollectionError where there is none for the protocol."""
    try:
        system, path = retrying(lambda: fsspec.core.url_to_fs(url))
    except Exception as error:
        raise CollectionError(f"{url}: {reason_of(error)}") from error
    return system, str(path)


def download(url: str, target: Path) -> None:
    """Copy a file, in at most ``TRIES`` tries. Raises FetchError."""
    try:
        system, path = file_system(url)
        retrying(lambda: system.get_file(path, str(target)))
    except CollectionError as error:
        raise FetchError(str(error), lasting=True) from error
    except Exception as error:
        raise FetchError(f"cannot be downloaded: {reason_of(error)}", is_lasting(error)) from error


def retrying(call: Callable[[], T]) -> T:
    """What a call gives, in at most ``TRIES`` tries where its failure may pass."""
    for earlier in range(TRIES - 1):
        try:
            return call()
        except Exception as error:
            if is_lasting(error):
                raise
            time.sleep(FIRST_WAIT * 2**earlier)
    return call()


def is_lasting(error: Exception) -> bool:
    """Whether trying again cannot help."""
    status = getattr(error, "status", None)  # of aiohttp's responses
    if isinstance(status, int):
        return 400 <= status < 500 and status not in (408, 429)
    return isinstance(error, _LASTING)


def reason_of(error: Exception) -> str:
    """One line on an error of fsspec or of a library below it."""
    if isinstance(error, FileNotFoundError):
        return "no such file or folder"
    if isinstance(error, PermissionError):
        return "permission denied"
    return " ".join(str(error).split()) or type(error).__name__
