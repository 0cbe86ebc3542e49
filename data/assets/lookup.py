"""Finding an asset on this machine. Nothing is ever downloaded.

Order: the folder named by ``GANFIT_ASSETS``, the user's cache, installed packages (their files are listed
from package metadata, without importing them), the weights shipped in data/open.

A file must have its asset's hash, but for one: whoever puts a file of what this project builds or trains into
``GANFIT_ASSETS`` may have built or trained it anew, so that it is taken as it is.
"""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass
from pathlib import Path

from data.assets.hashing import cache_directory, cached_sha256_of
from data.assets.registry import ASSETS, OPEN_DIRECTORY, Asset, expected_sha256

ENVIRONMENT = "GANFIT_ASSETS"


class AssetError(Exception):
    """An asset cannot be used; the message says what to do."""


class MissingAssetError(AssetError):
    """The asset is nowhere on this machine."""


class AssetIntegrityError(AssetError):
    """The file found is not the one expected."""


@dataclass(frozen=True)
class Found:
    """Where an asset was found, with the hash of that file."""

    path: Path
    place: str
    sha256: str


def find(asset_id: str) -> Path:
    """Path of the verified file.

    Raises KeyError for an unknown id, MissingAssetError where it is nowhere and AssetIntegrityError for a
    wrong hash, which the files in GANFIT_ASSETS of what this project builds cannot have.
    """
    return locate(asset_id).path


def locate(asset_id: str) -> Found:
    """As ``find``, with the place and the hash."""
    asset = ASSETS[asset_id]
    for place, path in _candidates(asset):
        found = Found(path, place, cached_sha256_of(path))
        users_own = place == ENVIRONMENT and asset.sha256 is None
        expected = None if users_own else expected_sha256(asset)
        if expected is not None and found.sha256 != expected:
            raise AssetIntegrityError(
                f"{path} is not the expected {asset.id} ({asset.version}): sha256 is {found.sha256}, "
                f"expected {expected}. Remove it, or get the right one: {asset.how_to_get}"
            )
        return found
    raise MissingAssetError(_how_to_get(asset))


def installed_file(distribution: str, path_in_package: str) -> Path | None:
    """A file of an installed distribution, found without importing it; None where there is none."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    for file in files:
        if file.as_posix() == path_in_package:
            path = Path(str(file.locate()))
            return path if path.is_file() else None
    return None


def _candidates(asset: Asset) -> list[tuple[str, Path]]:
    candidates = []
    if folder := os.environ.get(ENVIRONMENT):
        candidates += [(ENVIRONMENT, path) for path in _in_folder(Path(folder), asset.filename)]
    candidates += [("cache", path) for path in _in_folder(cache_directory(), asset.filename)]
    if asset.package and asset.path_in_package:
        path = installed_file(asset.package, asset.path_in_package)
        if path is not None:
            candidates.append((f"package {asset.package}", path))
    if asset.shipped and (OPEN_DIRECTORY / asset.filename).is_file():
        candidates.append(("data/open", OPEN_DIRECTORY / asset.filename))
    return candidates


def _in_folder(folder: Path, filename: str) -> list[Path]:
    paths = [folder / filename, *sorted(folder.glob(f"*/{filename}"))]
    return [path for path in paths if path.is_file()]


def _how_to_get(asset: Asset) -> str:
    lines = [
        f"{asset.id} is missing: {asset.role}. Without it: {asset.cost_of_lacking}.",
        f"  licence: {asset.licence}",
        f"  file:    {asset.filename}",
        f"  sha256:  {expected_sha256(asset) or 'none is published'}",
        f"  get it:  {asset.how_to_get}",
    ]
    if not asset.shipped:
        lines.append(f"  put it:  into the folder that {ENVIRONMENT} names, or into {cache_directory()}")
    return "\n".join(lines)
