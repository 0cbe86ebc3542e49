"""Files elsewhere, by fsspec: their listings, and copies of them."""

from __future__ import annotations

import contextlib
import datetime
import logging
import re
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import fsspec

from data.collections.units import CollectionError

logger = logging.getLogger(__name__)

T = TypeVar("T")

TRIES = 3
FIRST_WAIT = 0.5
"""Seconds before the second try; each later wait is twice as long."""

REQUESTS_AT_ONCE = 32

_ONE_AT_A_TIME = threading.Lock()

# What file systems call a file's checksum, version or time of change; checksums first.
_STAMPS = (
    *("ETag", "etag", "e_tag", "md5Hash", "content_md5", "Content-MD5", "CRC", "sha"),
    *("LastModified", "last_modified", "Last-Modified", "mtime", "updated", "modified", "created"),
)

_LASTING = (
    *(FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, ImportError, ValueError),
    *(zipfile.BadZipFile, tarfile.TarError),
)


class FetchError(Exception):
    """A remote file cannot be downloaded; `reason` says why in a few words, fit for a table."""

    def __init__(self, reason: str, lasting: bool) -> None:
        super().__init__(reason, lasting)  # both, so that it can be sent to another process
        self.reason = reason
        self.lasting = lasting
        """Whether it would fail again: the file is not there, or not for us."""

    def __str__(self) -> str:
        return self.reason


def is_url(text: str) -> bool:
    """Whether it names something by a protocol, as s3://bucket/photos or zip://*.jpg::photos.zip do."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.\-]+(://|::)", text) is not None


def local_path(url: str) -> str | None:
    """The path of a file:// URL; None for another."""
    protocol, _, rest = url.partition("://")
    return rest if protocol in ("file", "local") and "::" not in url else None


def file_system(url: str) -> tuple[Any, str]:
    """fsspec's file system and the path in it.

    Raises CollectionError where the protocol is unknown or its package not installed, and what the file system raises
    for an archive that cannot be opened.
    """
    try:
        system, path = retrying(lambda: fsspec.core.url_to_fs(url))
    except (ImportError, ValueError) as error:
        raise CollectionError(f"{url}: {reason_of(error)}") from error
    return system, str(path)


def download(url: str, target: Path) -> None:
    """Copy a file, in at most ``TRIES`` tries. Raises FetchError."""

    def copy() -> None:
        # Only the asynchronous file systems are made for several threads; archives share one open file.
        with contextlib.nullcontext() if system.async_impl else _ONE_AT_A_TIME:
            system.get_file(path, str(target))

    try:
        system, path = file_system(url)
        retrying(copy)
    except Exception as error:
        raise FetchError(f"cannot be downloaded: {reason_of(error)}", is_lasting(error)) from error


def signature_in(info: Mapping[str, Any]) -> str | None:
    """Of a file, from what a file system tells of it; None where it tells too little."""
    stamp = next((info[key] for key in _STAMPS if info.get(key) is not None), None)
    if isinstance(stamp, datetime.datetime):
        stamp = stamp.timestamp()  # as some file systems have it in one answer and not in another
    return None if stamp is None else " ".join(f"{info.get('size')}-{stamp}".split())


def signatures(urls: Sequence[str]) -> list[str | None]:
    """Of files one by one, several at a time; None where it cannot be had.

    Raises CollectionError for a protocol that cannot be used.
    """
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        return list(pool.map(_signature, urls))


def _signature(url: str) -> str | None:
    try:
        system, path = file_system(url)
        return signature_in(retrying(lambda: system.info(path)))
    except CollectionError:
        raise
    except Exception:
        logger.debug("%s: nothing is told of it", url, exc_info=True)
        return None


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
    if isinstance(error, TimeoutError):
        return "timed out"
    return " ".join(str(error).split()) or type(error).__name__
