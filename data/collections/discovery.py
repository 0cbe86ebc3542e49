"""From the paths that a user names to the units that they stand for."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from data.collections import listed, local, remote_listing
from data.collections.listing import Request
from data.collections.manifests import is_manifest
from data.collections.remote import is_url, local_path
from data.collections.units import Collection, CollectionError, Kind, Unit, printable


def discover(
    paths: Sequence[Path | str], exclude: Sequence[Path] = (), kinds: Sequence[Kind] = ("photo",)
) -> Collection:
    """Photographs, and videos where ``kinds`` has them, that ``paths`` name.

    A path is one of:

    - a folder, entered at any depth: files are taken by their extension and hidden ones are left; links to folders are
      followed, each folder once;
    - a pattern as of ``glob`` with ** for any depth: files are taken by their extension;
    - a manifest, .csv or .parquet: data.collections.manifests;
    - any other file, which is always taken;
    - one of these by URL, in the way of fsspec.

    ``exclude`` names folders on this machine not to enter, those of results.

    Raises CollectionError for a path that does not exist or cannot be listed, a damaged manifest, two files of the
    same unit_id, a protocol whose package is not installed, and for want of any unit.
    """
    skip = frozenset(os.path.realpath(folder) for folder in exclude)
    requests = [_request(os.fspath(path), skip, kinds) for path in paths]
    # Of tuples, part by part.
    root = tuple(os.path.commonprefix([request.root for request in requests]))  # noqa: RUF071
    found: dict[str, Unit] = {}
    for request in requests:
        for unit in request.units(root):
            other = found.get(unit.unit_id)
            if other is not None and other.source != unit.source:
                raise CollectionError(f"two files have the unit_id {unit.unit_id}: {other.source} and {unit.source}")
            found[unit.unit_id] = unit
    if not found:
        wanted = " or ".join(f"{kind}s" for kind in kinds)
        raise CollectionError(f"no {wanted} found in " + ", ".join(printable(str(path)) for path in paths))
    text = json.dumps(sorted({request.text for request in requests}))
    return Collection(
        name=printable(root[-1]) if len(root) > 1 else "root",
        key=hashlib.sha256(text.encode()).hexdigest()[:12],
        units=tuple(found[unit_id] for unit_id in sorted(found)),
    )


def _request(path: str, skip: frozenset[str], kinds: Sequence[Kind]) -> Request:
    if is_url(path) and not os.path.lexists(path):
        here = local_path(path)
        if here is None:
            return remote_listing.request(path, kinds)
        path = here
    if is_manifest(path) and os.path.isfile(path):
        return listed.request(path, kinds)
    return local.request(path, skip, kinds)
