"""Who may import whom, read from the source: flows -> tasks -> {ganfit_core, evaluation, data}."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FORBIDDEN = {
    "ganfit_core": {"evaluation", "data", "tasks", "flows", "prefect", "pandas", "pyarrow", "open3d"},
    "evaluation": {"data", "tasks", "flows", "prefect"},
    "data": {"evaluation", "tasks", "flows", "prefect"},
    "tasks": {"flows"},
}

SHARED = {"ganfit_core.mesh"}
"""What evaluation and data may take from ganfit_core."""


def imports(source: str) -> Iterator[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def violations(package: str, source: str) -> list[str]:
    """The imports of a file of this package that are not allowed."""
    bad = [name for name in imports(source) if name.split(".")[0] in FORBIDDEN[package]]
    if package in ("evaluation", "data"):
        bad += [
            name
            for name in imports(source)
            if name.split(".")[0] == "ganfit_core" and ".".join(name.split(".")[:2]) not in SHARED
        ]
    return bad


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_point_downwards(package: str) -> None:
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    found = {str(path.relative_to(ROOT)): violations(package, path.read_text("utf-8")) for path in files}
    assert {path: bad for path, bad in found.items() if bad} == {}


def test_the_check_sees_every_form_of_import() -> None:
    source = "import pandas as pd\nfrom data.assets import find\ndef f():\n    from prefect.x import y\n"
    assert violations("ganfit_core", source) == ["pandas", "data.assets.find", "prefect.x.y"]
    assert violations("data", "from ganfit_core.mesh import Mesh\nfrom ganfit_core import camera") == [
        "ganfit_core.camera"
    ]
