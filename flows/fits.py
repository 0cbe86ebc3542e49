"""What evaluations ask of the flow `reconstruct`: rows of a list of photographs, and no files."""

from __future__ import annotations

from pathlib import Path

from flows.reconstruct import reconstruct
from ganfit_core.methods import METHODS
from tasks.likeness_settings import Settings
from tasks.progress import current

FIT_BATCH, REGRESSION_BATCH = 8, 32
"""Faces that are reconstructed together."""
SHARD_SIZE = 64
"""Few, so that several processes have work with a few hundred photographs."""


def reconstruct_for_evaluation(
    photographs: Path, out: Path, method: str, settings: Settings, processes: int, without: tuple[str, ...] = ()
) -> None:
    """Reconstruct what is missing of the photographs that a manifest lists; raises what the flow does."""
    energy = f" without {', '.join(without)}" if without else ""
    of = "" if photographs.stem == method else f", {photographs.stem}"
    current().heading(f"{method}{energy}{of}")
    reconstruct.fn(
        [str(photographs)],
        out,
        settings.preset,
        method,
        settings.iterations,
        seed=settings.seed,
        batch=FIT_BATCH if METHODS[method].refine else REGRESSION_BATCH,
        files="none",
        shard_size=SHARD_SIZE,
        workers=processes,
        face=settings.face,
        without=without,
    )
