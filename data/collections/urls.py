"""URLs in the way of fsspec: a protocol's, or chains of them, zip://photos/*.jpg::s3://bucket/photos.zip."""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass

from data.collections.listing import Address


def absolute(url: str) -> str:
    """The same on whatever folder a command is run in: an archive's path made absolute, protocols with ://."""
    # As fsspec tells protocols from paths in a chain.
    links = [link if "://" in link or re.search("[^a-z]", link) else f"{link}://" for link in url.split("::")]
    if "://" not in links[-1]:
        links[-1] = os.path.abspath(links[-1])
    return "::".join(links)


def address_of(url: str) -> Address:
    """Of an absolute URL, from the outermost container in."""
    links = [link if "://" in link else f"file://{link}" for link in reversed(url.split("::"))]
    inside = [part for link in links for part in link.partition("://")[2].split("/")]
    # An archive may name its files as it likes; results must not be led out of their folder.
    return (links[0].partition("://")[0], *(part for part in inside if part not in ("", ".", "..")))


@dataclass(frozen=True)
class Container:
    """What stands around a path of one file system in the URL of a file."""

    before: str
    after: str

    @classmethod
    def of(cls, url: str, path: str) -> Container:
        """Of an absolute URL and the path that fsspec takes it for."""
        links = url.split("::")
        at = next(number for number, link in enumerate(links) if not link.endswith("cache://"))
        link, inner = links[at].rstrip("/"), path.strip("/")
        if inner and link.endswith(inner):
            link = link[: -len(inner)]
        else:
            link += "//" if link.endswith(":") else "/"
        return cls("::".join([*links[:at], link]), "".join(f"::{outer}" for outer in links[at + 1 :]))

    def url(self, path: str) -> str:
        """Of a path as the file system lists it."""
        return f"{self.before}{path.lstrip('/')}{self.after}"


def beside(url: str, path: str) -> str:
    """The URL of a relative path as a file at an absolute URL writes it."""
    first, *containers = url.split("::")
    protocol, _, inner = first.partition("://")
    joined = posixpath.normpath(posixpath.join(posixpath.dirname(inner), path))
    return "::".join([f"{protocol}://{joined}", *containers])


def file_name(url: str) -> str:
    """The last part of the path at a URL's front, without what a web server is asked beyond it."""
    path = url.split("::")[0]
    if path.startswith(("http://", "https://")):
        path = re.split("[?#]", path)[0]
    return posixpath.basename(path)
