"""Folders, files, patterns and manifests that are elsewhere."""

from __future__ import annotations

import functools
import itertools
import logging
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem

from data.collections import listed
from data.collections.identities import FILE_NAME, Identities
from data.collections.listing import Listing, Request, units_in
from data.collections.manifests import is_manifest
from data.collections.remote import file_system, is_lasting, reason_of, retrying, signature_in, signatures
from data.collections.units import CollectionError, Kind, kind_of
from data.collections.urls import Container, absolute, address_of, file_name

logger = logging.getLogger(__name__)

ANY: Sequence[Kind] = ("photo", "video")

Infos = Mapping[str, Mapping[str, Any]]
"""What a file system tells of files, by path."""


def request(url: str, kinds: Sequence[Kind]) -> Request:
    """What is at a URL.

    Raises CollectionError for a protocol that cannot be used, and what is not there or cannot be listed.
    """
    url = absolute(url)
    try:
        system, path = file_system(url)
        # A list kept from an earlier call may be out of date.
        system.invalidate_cache()
        return _request(system, path, url, kinds)
    except CollectionError:
        raise
    except Exception as error:
        raise CollectionError(f"{url}: {reason_of(error)}") from error


def _request(system: Any, path: str, url: str, kinds: Sequence[Kind]) -> Request:
    container = Container.of(url, path)
    magic = "[*[]" if _is_web(path) else "[*?[]"  # in a web address ? begins a query
    if re.search(magic, path) and not retrying(lambda: system.exists(path)):
        parts = path.split("/")
        top = "/".join(itertools.takewhile(lambda part: not re.search(magic, part), parts))
        infos = retrying(lambda: system.glob(path, detail=True))
    elif _is_folder(system, path):
        top = path
        infos = _files_below(system, path)
    elif is_manifest(file_name(url)):
        return listed.remote_request(url, retrying(lambda: system.cat_file(path)), kinds)
    else:
        return Request(url, address_of(url)[:-1], functools.partial(units_in, _alone(url), kinds))
    listings = _listings(system, container, top, _visible(infos, top))
    return Request(url, address_of(container.url(top)), functools.partial(units_in, listings, kinds))


def _alone(url: str) -> Iterator[Listing]:
    place = Path(file_name(url)), url
    yield Listing(address_of(url)[:-1], [(address_of(url)[-1], signatures([url])[0])], lambda _: place, by_name=True)


def _is_web(path: str) -> bool:
    return path.startswith(("http://", "https://"))


def _files_below(system: Any, top: str) -> Infos:
    """At one go where the file system can, else folder by folder, where fsspec would be silent about failures."""
    walks = (
        type(system)._find is AsyncFileSystem._find
        if system.async_impl
        else type(system).find is AbstractFileSystem.find
    )
    if not walks:
        return retrying(lambda: system.find(top, detail=True))
    files: dict[str, Mapping[str, Any]] = {}
    entered: set[str] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        if folder.rstrip("/") in entered:
            continue
        entered.add(folder.rstrip("/"))
        for info in _listed(system, folder):
            if info["type"] == "directory":
                waiting.append(info["name"])
            else:
                files[info["name"]] = info
    return files


def _listed(system: Any, folder: str) -> Sequence[Mapping[str, Any]]:
    try:
        return retrying(lambda: system.ls(folder, detail=True))
    except (FileNotFoundError, PermissionError) as error:
        logger.warning("folder left out: %s: %s", folder, reason_of(error))
        return ()


def _is_folder(system: Any, path: str) -> bool:
    """Raises FileNotFoundError where nothing is."""
    if retrying(lambda: system.info(path))["type"] == "directory":
        return True
    # To a web server everything is a file; a folder is a page with links.
    name = file_name(path)
    is_file = kind_of(name, ANY) is not None or is_manifest(name)
    return _is_web(path) and not is_file and bool(retrying(lambda: system.isdir(path)))


def _visible(infos: Infos, top: str) -> Infos:
    """Without hidden files and those in hidden folders; archives may begin their names with ./ or ../"""
    hidden = re.compile(r"(^|/)\.(?!\.?/)")
    return {path: info for path, info in infos.items() if not hidden.search(path, len(top.rstrip("/")))}


def _listings(system: Any, container: Container, top: str, infos: Infos) -> Iterator[Listing]:
    """Files by folder; of those whose list lacks it, the signatures are asked for one by one."""
    files = {path: signature_in(info) for path, info in infos.items() if info["type"] != "directory"}
    unknown = [path for path, signature in files.items() if signature is None and kind_of(file_name(path), ANY)]
    files |= dict(zip(unknown, signatures([container.url(path) for path in unknown]), strict=True))
    folders: dict[str, list[tuple[str, str | None]]] = {}
    for path in sorted(files):
        folder, name = posixpath.split(path)
        folders.setdefault(folder, []).append((name, files[path]))
    identities = _identities(system, files, top)
    for folder, members in folders.items():
        subjects = identities.of(folder, posixpath.dirname(folder))
        yield Listing(address_of(container.url(folder)), members, _placed_in(container, folder), subjects)


def _placed_in(container: Container, folder: str) -> Callable[[str], tuple[Path, str | None]]:
    def place(name: str) -> tuple[Path, str]:
        url = container.url(posixpath.join(folder, name))
        return Path(file_name(url)), url

    return place


def _identities(system: Any, files: Mapping[str, object], top: str) -> Identities:
    def read(folder: str) -> bytes | None:
        path = posixpath.join(folder, FILE_NAME)
        if path not in files and folder not in (top, posixpath.dirname(top)):
            return None  # asking costs a request
        try:
            return bytes(retrying(lambda: system.cat_file(path)))
        except Exception as error:
            if is_lasting(error):
                return None
            raise CollectionError(f"{path}: {reason_of(error)}") from error

    return Identities(read)
