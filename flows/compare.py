"""One photograph by several methods, side by side."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from data.collections import discover
from flows.reconstruct import reconstruct
from tasks import models
from tasks.compare_methods import write_comparison
from tasks.steps import call


@flow(name="compare", validate_parameters=True)
def compare(
    photo: Path,
    out: Path,
    methods: list[str],
    preset: str = "laptop",
    iterations: int | None = None,
    seed: int = 0,
) -> Path:
    """Reconstruct the largest face of a photograph by each method, and write one picture of all beside their files.

    Returns the picture's path. Raises tasks.compare_methods.ComparisonError for a photograph that cannot be
    reconstructed, and what ``reconstruct`` raises.
    """
    (unit,) = discover([photo]).units
    for method in methods:
        models.load_models(preset, method, iterations)  # none shall run in vain because another cannot
    for method in methods:
        reconstruct.fn([str(photo)], out, preset, method, iterations, seed=seed, again=True, prune=True, isolated=False)
    return call(write_comparison, unit, methods, out)
