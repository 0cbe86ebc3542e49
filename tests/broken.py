"""Files that people's folders really hold and that are no photographs of faces: twelve kinds, each with its reason."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Kind:
    """One way in which a file is of no use."""

    suffix: str
    """Of its name: what makes it a unit of a collection."""
    write: Callable[[Path], object]
    """Makes such a file, or what stands in its place."""
    status: str
    """Its row's."""
    reason: str
    """Its row's."""


def truncated(path: Path) -> None:
    """The first half of a JPEG whose picture has detail in it, as a broken transfer leaves it."""
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    """A PNG whose pixels were overwritten on a bad disk: the header is whole, the checksums are wrong."""
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(path)
    content = bytearray(path.read_bytes())
    content[1000:3000] = bytes(2000)
    path.write_bytes(content)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int, depth: int = 8) -> bytes:
    """A PNG that claims these sizes and holds no pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"")) + _chunk(b"IEND", b"")


def _plain(width: int, height: int, path: Path) -> None:
    Image.new("RGB", (width, height), (90, 90, 90)).save(path)


_NO_FORMAT = "not an image in a supported format"
_DAMAGED = "truncated or damaged image data"
_VIDEO = struct.pack(">I", 24) + b"ftypisom" + bytes(500)

KINDS: dict[str, Kind] = {
    "empty": Kind(".jpg", lambda path: path.write_bytes(b""), "unreadable", "empty file"),
    "web page": Kind(".jpg", lambda path: path.write_text("<html>404</html>"), "unreadable", _NO_FORMAT),
    "video": Kind(".jpg", lambda path: path.write_bytes(_VIDEO), "unreadable", _NO_FORMAT),
    "zeros": Kind(".png", lambda path: path.write_bytes(bytes(4096)), "unreadable", _NO_FORMAT),
    "truncated": Kind(".jpg", truncated, "unreadable", _DAMAGED),
    "overwritten": Kind(".png", overwritten, "unreadable", _DAMAGED),
    "thumbnail": Kind(
        ".png", lambda path: _plain(1, 1, path), "unreadable", "too small: 1x1, at least 32 px a side are needed"
    ),
    "ruler": Kind(
        ".png", lambda path: _plain(4000, 8, path), "unreadable", "too small: 4000x8, at least 32 px a side are needed"
    ),
    "bomb": Kind(
        ".png",
        lambda path: path.write_bytes(_png(60_000, 60_000)),
        "unreadable",
        "too large: more than 178 megapixels",
    ),
    "dangling link": Kind(".jpg", lambda path: path.symlink_to(path.with_name("absent")), "unreadable", "no such file"),
    # reading it would wait for ever for someone who writes
    "pipe": Kind(".jpg", lambda path: os.mkfifo(path), "unreadable", "not a regular file"),
    "wall": Kind(".png", lambda path: _plain(250, 250, path), "no_face", "no face found"),
}


def fill(folder: Path, count: int) -> dict[str, Kind]:
    """Write so many broken files of all kinds in turn into a folder, which is made; name -> kind."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for number in range(count):
        name, kind = list(KINDS.items())[number % len(KINDS)]
        file = f"{name.replace(' ', '-')}-{number:04d}{kind.suffix}"
        kind.write(folder / file)
        written[file] = kind
    return written
