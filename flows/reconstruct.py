"""Photographs become textured 3D faces."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from data.collections import discover
from ganfit_core.methods import DEFAULT, METHODS
from tasks import models
from tasks.export_faces import export_faces
from tasks.find_faces import find_faces
from tasks.fit_faces import fit_faces
from tasks.progress import current
from tasks.run import Run, Work, batches
from tasks.steps import call
from tasks.write_rows import drop_stale_rows, write_rows

SHARD_SIZE = 256
"""Photographs per part file: what is lost when a run is killed, and what a worker takes at a time."""


@flow(name="reconstruct", validate_parameters=True)
def reconstruct(
    inputs: list[Path],
    out: Path,
    preset: str = "laptop",
    method: str = DEFAULT,
    iterations: int | None = None,
    all_faces: bool = False,
    seed: int = 0,
    batch: int = 8,
) -> Path:
    """Fit the faces of photographs and write meshes, pictures and the table `reconstructions` below ``out``.

    ``reconstruct(...)`` runs through Prefect, ``reconstruct.fn(...)`` without it. A photograph that cannot be
    fitted becomes a row that says why. ``method`` is one of ganfit_core.methods.METHODS; ``iterations`` takes the place
    of the preset's most steps of stage 2. Returns the table's folder.

    Raises data.collections.CollectionError for paths that hold no photographs and data.assets.AssetError for
    models that are not there.
    """
    collection = discover(inputs, exclude=[out / "faces", out / "reconstructions"])
    run = Run(out, preset, METHODS[method], iterations, all_faces, seed, collection.key)
    models.models_of(run)  # a missing model stops the run before the first photograph is read
    current().started(len(collection.units))
    shards = collection.shards(SHARD_SIZE)
    for number, units in enumerate(shards):
        found = call(find_faces, units, run)
        rows: list[Work] = [work for work in found if not work.ok]
        for faces in batches(found, batch):
            fitted = call(fit_faces, faces, run)
            exported = call(export_faces, fitted, run)
            rows += exported
        call(write_rows, rows, number, collection, run)
    call(drop_stale_rows, len(shards), collection, run)
    return out / "reconstructions"
