"""Collections: the photographs and videos that a user names, in folders, lists and remote storage."""

from data.collections.contents import content_sha256, fetched
from data.collections.discovery import discover
from data.collections.manifests import write_manifest
from data.collections.remote import FetchError
from data.collections.units import IMAGE_EXTENSIONS, VIDEO_EXTENSIONS, Collection, CollectionError, Kind, Unit, kind_of

__all__ = [
    "IMAGE_EXTENSIONS",
    "VIDEO_EXTENSIONS",
    "Collection",
    "CollectionError",
    "FetchError",
    "Kind",
    "Unit",
    "content_sha256",
    "discover",
    "fetched",
    "kind_of",
    "write_manifest",
]
