"""What a run's results depend on besides the photographs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import tasks.models
from data.schemas import Dimensions
from tasks.code import sources_sha256
from tasks.run import Run

_DECIDING = ("tasks.find_faces", "tasks.fit_faces", "tasks.models", "tasks.reconstruct_units")
_DECIDING_VIDEOS = (
    *_DECIDING,
    "data.video",
    "tasks.fit_video",
    "tasks.video_work",
    "tasks.reconstruct_video",
    "tasks.write_video_rows",
)


@dataclass(frozen=True)
class Lineage:
    """The same for all rows that a process writes in a run."""

    dimensions: Dimensions
    config_sha256: str
    assets: Mapping[str, str]
    """Id -> sha256."""
    code_sha256: str
    seed: int
    device: str

    def result_key(self, content_sha256: str | None) -> str | None:
        """Of equal keys, results are equal on one machine; None where nobody knows what was read."""
        if content_sha256 is None:
            return None
        parts = [content_sha256, self.config_sha256, sorted(self.assets.items()), self.code_sha256, self.seed]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def lineage_of(run: Run, videos: bool = False) -> Lineage:
    """Loads the run's models; errors as those of tasks.models.load_models."""
    models = tasks.models.models_of(run)
    return Lineage(
        models.dimensions,
        run.config_sha256(models.settings),
        dict(models.sha256),
        sources_sha256(*(_DECIDING_VIDEOS if videos else _DECIDING)),
        run.seed,
        models.device,
    )
