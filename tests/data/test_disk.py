"""Room on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from data.disk import DiskSpaceError, require_space


def test_too_little_room_is_told_with_both_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    usage = SimpleNamespace(free=2 << 30)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: [asked.append(path), usage][1])
    require_space(tmp_path / "absent" / "out", 2 << 30)
    with pytest.raises(DiskSpaceError, match=r"about 3.0 GiB and .*out has 2.0 GiB left"):
        require_space(tmp_path / "absent" / "out", 3 << 30)
    assert asked == [tmp_path, tmp_path]
