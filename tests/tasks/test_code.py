"""Which code made a result: what changes the hash, and what does not."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks import code

ENTRY = '"""An entry."""\nfrom ganfit_core_like import a\n'
SOURCES = {
    "__init__": '"""A package."""\n',
    "a": '"""A module."""\nfrom ganfit_core_like.b import f\n\n\ndef g(x):\n    """Say."""\n    return f(x) + 1\n',
    "b": "def f(x):\n    return 2 * x  # twice\n",
    "c": "def unused():\n    return 0\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in the core's place, and a module that leads to a part of it."""
    folder = tmp_path / "ganfit_core_like"
    folder.mkdir()
    for name, source in SOURCES.items():
        (folder / f"{name}.py").write_text(source)
    (tmp_path / "an_entry.py").write_text(ENTRY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(code, "_CORE", "ganfit_core_like")
    yield folder
    for name in [name for name in sys.modules if name.startswith("ganfit_core_like")]:
        del sys.modules[name]


def hashed() -> str:
    """The hash as a new process finds it."""
    importlib.invalidate_caches()
    code.sources_sha256.cache_clear()
    return code.sources_sha256("an_entry")


@pytest.mark.parametrize(
    ("file", "old", "new", "same"),
    [
        ("b", "2 * x", "3 * x", False),
        ("a", "+ 1", "- 1", False),
        ("b", "# twice", "# doubled", True),
        ("a", "Say.", "Tell.", True),
        ("a", "\n\n\ndef", "\n\ndef", True),
        ("a", "ganfit_core_like.b import f", "ganfit_core_like.c import unused as f", False),
        ("c", "return 0", "return 1", True),
    ],
)
def test_the_hash_is_of_code_that_is_led_to(package: Path, file: str, old: str, new: str, same: bool) -> None:
    before = hashed()
    path = package / f"{file}.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert (hashed() == before) == same


def test_what_only_type_checkers_import_does_not_count(package: Path) -> None:
    path = package / "b.py"
    path.write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ganfit_core_like import c\n")
    before = hashed()
    (package / "c.py").write_text("changed = True\n")
    assert hashed() == before


def test_a_fit_depends_on_the_energy_and_not_on_scans() -> None:
    code.sources_sha256.cache_clear()
    modules: list[str] = []
    original = code._source
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(code, "_source", lambda name: [modules.append(name), original(name)][1])
        code.sources_sha256("tasks.find_faces", "tasks.fit_faces", "tasks.models")
    assert {"ganfit_core.energy", "ganfit_core.renderer", "ganfit_core.perception.photo"} <= set(modules)
    assert "ganfit_core.scan_landmarks" not in modules
