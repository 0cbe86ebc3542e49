"""Settings that all trainings share."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Precision = Literal["bf16", "fp32"]


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """What the trainings of all networks have in common."""

    total_images: int | None = None
    """Real images shown in the whole run. None: the wall-clock budget given to `train` alone ends it, and drives what
    is scheduled, which adapts to the machine but is not reproducible."""
    ema_half_life: float = 10_000.0
    """Images after which a weight's share of the averaged model has halved (Karras et al.: decay 0.999 per step of 16,
    that is 11,000 images); never longer than a twentieth of the images seen so far."""
    precision: Precision = "fp32"
    """`bf16`: autocast; penalties and likelihoods stay in float32."""
    seed: int = 0
    """Seeds weights, and every draw."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return asdict(self)
