"""What is the same for every row of a run, and the work on one face as it passes through the steps."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ganfit_core
from data.collections import Unit
from ganfit_core.methods import Method

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult
    from ganfit_core.perception.align import AlignedFace

_LONGEST_REASON = 300


def new_run_id() -> str:
    """A name that no other run has: the time, and something random."""
    return f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Run:
    """One run over a collection."""

    out: Path
    """Folder of the results."""
    preset: str
    method: Method
    iterations: int | None
    """Most steps of stage 2; None for the preset's."""
    all_faces: bool
    """Fit every face of a photograph rather than the largest."""
    seed: int
    collection_key: str
    """Keeps apart the files of collections whose photographs have the same names."""
    run_id: str = field(default_factory=new_run_id)

    def config_sha256(self, settings: Mapping[str, Any]) -> str:
        """Hash of what decides the results besides assets, code and seed: settings and options."""
        recipe = [self.method.name, self.method.texture, self.method.start, self.method.refine]
        config = {"settings": dict(settings), "method": recipe, "all_faces": self.all_faces}
        return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()

    def folder(self, unit: Unit, face_index: int) -> Path:
        """Where a face's files go, relative to ``out``."""
        folder = Path("faces", f"{self.collection_key[:8]}-{self.method.name}", *unit.unit_id.split("/"))
        return folder / f"face-{face_index:02d}" if self.all_faces else folder


@dataclass(frozen=True)
class Work:
    """A photograph, or one of its faces, on its way to becoming a row."""

    unit: Unit
    columns: Mapping[str, Any]
    """Values of the row as far as they are known."""
    face: AlignedFace | None = None
    result: FitResult | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing has gone wrong so far."""
        return bool(self.columns["status"] == "ok")

    def with_columns(self, **columns: Any) -> Work:
        """The same work, knowing more; ``seconds`` are added to those known."""
        if "seconds" in columns:
            columns["seconds"] = {**self.columns.get("seconds", {}), **columns["seconds"]}
        return dataclasses.replace(self, columns={**self.columns, **columns})

    def failed(self, stage: str, error: Exception) -> Work:
        """The same work, stopped by an error at this stage; pictures and results are let go."""
        stopped = self.with_columns(status="failed", stage=stage, reason=one_line(error))
        return dataclasses.replace(stopped, face=None, result=None)


def batches(works: Sequence[Work], size: int) -> list[list[Work]]:
    """The work that is still going well, in runs of at most ``size``."""
    usable = [work for work in works if work.ok]
    return [usable[start : start + size] for start in range(0, len(usable), size)]


def one_line(error: Exception) -> str:
    """An error as a table's reason: its message, with its type where the message alone says little."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:_LONGEST_REASON] if message else type(error).__name__


@functools.cache
def sources_sha256(*modules: str) -> str:
    """Hash of the sources of ganfit_core, and of further modules: of all that decides what comes of a photograph."""
    files = sorted(Path(ganfit_core.__file__).parent.rglob("*.py"))
    files += [Path(str(sys.modules[module].__file__)) for module in modules]
    digest = hashlib.sha256()
    for path in files:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


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
