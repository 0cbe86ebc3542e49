"""The units that a manifest lists."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from data.collections import local, remote, urls
from data.collections.contents import frame_names
from data.collections.listing import Address, Request
from data.collections.manifests import Entry, is_unit_id, read_entries
from data.collections.units import CollectionError, Kind, Unit, kind_of, printable


def request(path: str, kinds: Sequence[Kind]) -> Request:
    """The manifest at a path. Raises CollectionError where it cannot be read."""
    manifest = os.path.abspath(path)
    try:
        content = Path(manifest).read_bytes()
    except OSError as error:
        raise CollectionError(f"{printable(manifest)}: cannot be read: {error.strerror}") from error
    units = functools.partial(_units, manifest, content, kinds)
    return Request(printable(manifest), local.address_of(os.path.dirname(manifest)), units)


def remote_request(url: str, content: bytes, kinds: Sequence[Kind]) -> Request:
    """The manifest at an absolute URL."""
    return Request(url, urls.address_of(url)[:-1], functools.partial(_units, url, content, kinds))


def _units(manifest: str, content: bytes, kinds: Sequence[Kind], root: Address) -> Iterator[Unit]:
    seen: dict[str, str] = {}
    units = []
    for entry in read_entries(printable(manifest), content):
        unit = _unit(entry, manifest, root)
        earlier = seen.setdefault(unit.unit_id, entry.where)
        if earlier != entry.where:
            raise CollectionError(f"{entry.where}: the unit_id {unit.unit_id!r} again, after {earlier}")
        if unit.kind in kinds:
            units.append(unit)
    elsewhere = [unit.url for unit in units if unit.url is not None]
    known = dict(zip(elsewhere, remote.signatures(elsewhere), strict=True))
    for unit in units:
        yield unit if unit.url is None else replace(unit, signature=known[unit.url])


def _unit(entry: Entry, manifest: str, root: Address) -> Unit:
    path, url = _resolved(entry.path, manifest)
    unit_id = entry.unit_id or _unit_id(entry.path, urls.address_of(url) if url else local.address_of(path), root)
    if not is_unit_id(unit_id):
        raise CollectionError(f"{entry.where}: not the path of a file: {entry.path!r}")
    if url is not None:
        name = urls.file_name(url)
        kind = entry.kind or kind_of(name, ("photo", "video")) or "photo"
        return Unit(unit_id, Path(name), kind, entry.subject, url)
    signature, is_folder = local.signature_of(path)
    if is_folder:
        signature = _frames_signature(path)
    kind = entry.kind or ("video" if is_folder else kind_of(path, ("photo", "video")) or "photo")
    return Unit(unit_id, Path(path), kind, entry.subject, None, signature)


def _resolved(written: str, manifest: str) -> tuple[str, str | None]:
    """Path and URL; one of them counts."""
    if remote.is_url(written):
        here = remote.local_path(written)
        return ("", urls.absolute(written)) if here is None else (os.path.abspath(here), None)
    if remote.is_url(manifest) and not os.path.isabs(written):
        return "", urls.beside(manifest, written)
    return os.path.normpath(os.path.join(os.path.dirname(manifest), written)), None


def _unit_id(written: str, address: Address, root: Address) -> str:
    """Below the common folder from there on, elsewhere as it is written: the same on every machine."""
    if address[: len(root)] == root:
        return "/".join(address[len(root) :])
    if remote.is_url(written) or os.path.isabs(written):
        return "/".join(address[1:])
    return "/".join(part for part in os.path.normpath(written).split(os.sep) if part != "..")


def _frames_signature(folder: str) -> str | None:
    try:
        names = frame_names(Path(folder))
    except OSError:
        return None
    states = [f"{printable(name)}/{local.signature_of(os.path.join(folder, name))[0]}" for name in names]
    return f"{len(names)}-{hashlib.sha256('/'.join(states).encode()).hexdigest()}"
