"""What reconstructions were asked for that are compared with photographs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.run import FaceChoice


@dataclass(frozen=True)
class Settings:
    """The same for all rows of an evaluation; fields are columns of its tables."""

    preset: str
    iterations: int | None
    """Most steps of stage 2; None for the preset's."""
    seed: int
    face: FaceChoice
    """Which one of a photograph."""

    @property
    def columns(self) -> dict[str, Any]:
        """Values by column."""
        return {"preset": self.preset, "iterations": self.iterations, "seed": self.seed, "face": self.face}
