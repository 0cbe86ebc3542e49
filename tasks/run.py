"""What is the same for every row of a run, and the work on one face as it passes through the steps."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from data.collections import Unit
from ganfit_core.methods import Method

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult
    from ganfit_core.perception.align import AlignedFace

Files = Literal["all", "overlay", "none"]
"""What is written of every face beside its row: meshes, parameters and picture, the picture alone, nothing."""
FaceChoice = Literal["largest", "central"]
"""Which face of a photograph is reconstructed; central: the one nearest to its middle, whom benchmarks name (of LFW's
photographs, 0.4 % have a larger face at their edge)."""

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
    """Keeps apart the rows and files of collections whose photographs have the same names."""
    collection: str
    """Name of the collection."""
    batch: int = 8
    """Faces that are fitted together."""
    files: Files = "all"
    face: FaceChoice = "largest"
    without: tuple[str, ...] = ()
    """Weights of the energy that are switched off, as ganfit_core.energy.Weights.without names them."""
    run_id: str = field(default_factory=new_run_id)

    @property
    def partition(self) -> tuple[str, str]:
        """The folders of the run's rows, data.schemas.PARTITIONS."""
        return self.method.name, self.method.texture

    def config_sha256(self, settings: Mapping[str, Any]) -> str:
        """Hash of what decides the results besides assets, code and seed: settings and options."""
        recipe = [self.method.name, self.method.texture, self.method.start, self.method.refine]
        config = {"settings": dict(settings), "method": recipe, "all_faces": self.all_faces, "face": self.face}
        return hashlib.sha256(json.dumps(config, sort_keys=True, default=str).encode()).hexdigest()

    def folder(self, unit: Unit, face_index: int) -> Path:
        """Where a face's files go, relative to ``out``."""
        folder = Path("faces", f"{self.collection_key[:8]}-{self.method.name}", *unit.unit_id.split("/"))
        return folder / f"face-{face_index:02d}" if self.all_faces else folder


@dataclass(frozen=True)
class Work:
    """A photograph, one of its faces, or a video, on its way to becoming a row."""

    unit: Unit
    columns: Mapping[str, Any]
    """Values of the row as far as they are known."""
    siblings: int = 1
    """Pieces of work that its unit became, this one included."""
    face: AlignedFace | None = None
    result: FitResult | None = None
    frame_rows: Sequence[Mapping[str, Any]] = ()
    """Rows of `frames`, of a video."""

    @property
    def ok(self) -> bool:
        """Whether nothing has gone wrong so far."""
        return bool(self.columns["status"] == "ok")

    @property
    def name(self) -> tuple[str, int]:
        """Names the work within its run, and gives rows their order."""
        return self.unit.unit_id, self.columns.get("face_index") or 0

    def with_columns(self, **columns: Any) -> Work:
        """The same work, knowing more; ``seconds`` are added to those known."""
        if "seconds" in columns:
            columns["seconds"] = {**self.columns.get("seconds", {}), **columns["seconds"]}
        return dataclasses.replace(self, columns={**self.columns, **columns})

    def failed(self, stage: str, error: Exception) -> Work:
        """The same work, stopped by an error at this stage; pictures and results are let go."""
        stopped = self.with_columns(status="failed", stage=stage, reason=one_line(error))
        return dataclasses.replace(stopped, face=None, result=None)


def one_line(error: Exception) -> str:
    """An error as a table's reason: its message, with its type where the message alone says little."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}"[:_LONGEST_REASON] if message else type(error).__name__
