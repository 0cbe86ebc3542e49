"""Texture models are scored against the maps of people that no training saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from tasks.run import new_run_id
from tasks.score_textures import (
    features_of_held_out,
    features_of_model,
    features_of_training,
    resolution_of_model,
    score,
    write_scores,
)
from tasks.steps import call

TRAINING_MAPS = "training maps"
"""Name of the row of real maps: what a perfect model would reach."""
SAMPLES = 2000
"""Maps drawn from each model: two and a half CPU-minutes with vgg16."""


@flow(name="evaluate-textures")
def evaluate_textures(
    maps: Path,
    models: dict[str, Path],
    out: Path,
    n: int = SAMPLES,
    seed: int = 0,
    extractor: str = "vgg16",
) -> list[dict[str, Any]]:
    """Frechet distance and KID of texture models, and of the training maps, to the held-out people's maps.

    Args:
        maps: folder that `build_textures` wrote.
        models: kind (gan, vae, pca) -> file of weights.
        out: gets the tables `frechet` and `published`.
        n: maps drawn from each model, and of the training maps at most.
        seed: of the draws and of the KID's subsets.
        extractor: a name of evaluation.extractors.EXTRACTORS.

    Returns the rows, models first. Raises ValueError for unfit maps or models, or none, and data.assets.AssetError for
    an extractor whose weights are not there.
    """
    if not models:
        raise ValueError("there is no texture model to score: name a file, or train one (`ganfit textures train`)")
    run_id = new_run_id()
    # What does not fit is told here, before the minutes that the features take.
    sides = {kind: call(resolution_of_model, path, kind, maps) for kind, path in models.items()}
    references = {side: call(features_of_held_out, maps, side, extractor) for side in sorted(set(sides.values()))}
    rows = []
    for kind, path in models.items():
        generated = call(features_of_model, path, kind, maps, extractor, n, seed)
        rows.append(call(score, kind, generated, references[sides[kind]], seed, run_id))
    for side, reference in references.items():
        real = call(features_of_training, maps, side, extractor, n, seed)
        rows.append(call(score, TRAINING_MAPS, real, reference, seed, run_id))
    call(write_scores, rows, out)
    return rows
