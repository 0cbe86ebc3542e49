"""Hashes of what units hold."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from fsspec.implementations.memory import MemoryFileSystem

from data.collections import Unit, content_sha256, discover


def test_the_hash_of_a_file_is_that_of_its_bytes_wherever_it_is(tmp_path: Path, memory: MemoryFileSystem) -> None:
    (tmp_path / "a.jpg").write_bytes(b"pixels")
    memory.pipe_file("/a.jpg", b"pixels")
    units = [discover([place]).units[0] for place in (tmp_path, "memory://")]
    assert [content_sha256(unit) for unit in units] == [hashlib.sha256(b"pixels").hexdigest()] * 2


def test_the_hash_of_a_folder_of_frames_follows_their_names_and_bytes_and_nothing_else(tmp_path: Path) -> None:
    unit = Unit("frames", tmp_path, "video")
    (tmp_path / "1.png").write_bytes(b"first")
    (tmp_path / "2.png").write_bytes(b"second")
    first = content_sha256(unit)
    (tmp_path / "notes.txt").write_bytes(b"no frame")
    os.utime(tmp_path / "1.png", ns=(1, 1))
    assert content_sha256(unit) == first is not None
    (tmp_path / "2.png").rename(tmp_path / "3.png")
    renamed = content_sha256(unit)
    (tmp_path / "3.png").write_bytes(b"other")
    assert len({first, renamed, content_sha256(unit)}) == 3


def test_what_cannot_be_read_has_no_hash(tmp_path: Path, memory: MemoryFileSystem) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert content_sha256(Unit("a.jpg", tmp_path / "absent.jpg")) is None
    assert content_sha256(Unit("pipe.jpg", tmp_path / "pipe.jpg")) is None
    assert content_sha256(Unit("a.jpg", Path("a.jpg"), url="memory://absent.jpg")) is None
    assert content_sha256(Unit("a.jpg", Path("a.jpg"), url="nonsense://absent.jpg")) is None
