"""Where model weights come from: a registry with hashes and licences, and the lookup that never downloads."""

from data.assets.lookup import AssetError, AssetIntegrityError, Found, MissingAssetError, find, locate
from data.assets.registry import ASSETS, Asset

__all__ = [
    "ASSETS",
    "Asset",
    "AssetError",
    "AssetIntegrityError",
    "Found",
    "MissingAssetError",
    "find",
    "locate",
]
