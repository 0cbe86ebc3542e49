"""Which code made a result."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path

_CORE = "ganfit_core"


@functools.cache
def code_version() -> str:
    """Version of this program; from a git checkout with the commit, and "-dirty" where files differ from it."""
    version = importlib.metadata.version("ganfit")
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return version
    return f"{version}+{commit}"


@functools.cache
def sources_sha256(*modules: str) -> str:
    """Hash of the code of some modules and of all of ganfit_core that they lead to: of what decides a result.

    Syntax trees are hashed, without docstrings: neither a comment nor the layout makes another result.
    """
    trees: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in trees:
            continue
        path = _source(name)
        if path is None:
            continue
        tree = ast.parse(path.read_bytes())
        waiting += [imported for imported in _imports(tree) if imported.split(".")[0] == _CORE]
        _strip_docstrings(tree)
        trees[name] = ast.dump(tree)
    digest = hashlib.sha256()
    for name in sorted(trees):
        digest.update(f"{name}\n{trees[name]}\n".encode())
    return digest.hexdigest()


def _source(name: str) -> Path | None:
    """A module's file; None for what is no module, but a name in one."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _imports(tree: ast.Module) -> Iterator[str]:
    """Names that might be modules, wherever they are imported but for type checkers."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            waiting += node.orelse
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        waiting += ast.iter_child_nodes(node)


def _strip_docstrings(tree: ast.Module) -> None:
    """Of modules, classes and functions, and those below the fields of a dataclass."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_text(statement)]


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
