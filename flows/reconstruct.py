"""Photographs and videos become textured 3D faces."""

from __future__ import annotations

import contextlib
from pathlib import Path

from prefect import flow

from data.collections import Kind, discover
from data.disk import require_space
from data.lock import locked
from data.schemas import RESULT_FOLDERS
from flows.runners import RunnerName, task_runner
from ganfit_core.methods import DEFAULT, METHODS
from tasks.machine import Wishes, limits_here, workers_here
from tasks.plan_run import keep_plan, plan_run, tidy
from tasks.progress import current
from tasks.reconstruct_shard import reconstruct_shard
from tasks.run import FaceChoice, Files, Run
from tasks.shard_results import ShardResults
from tasks.steps import call, each
from tasks.worker import workers as worker_processes

SHARD_SIZE = 256
"""Photographs per part file: what is lost when a run is killed, and what a worker takes at a time."""
BYTES_PER_UNIT = {"all": 800_000, "overlay": 220_000, "none": 4_000}
"""What a photograph takes on the disk, by `files`; measured with the laptop preset."""
_SIZE = {"laptop": 1, "paper": 5}
"""A preset's pictures, in pixels over those of `laptop`."""


@flow(name="reconstruct", validate_parameters=True)
def reconstruct(
    inputs: list[str],
    out: Path,
    preset: str = "laptop",
    method: str = DEFAULT,
    iterations: int | None = None,
    all_faces: bool = False,
    videos: bool = False,
    seed: int = 0,
    batch: int = 8,
    again: bool = False,
    retry_failed: bool = False,
    prune: bool = False,
    files: Files = "all",
    shard_size: int = SHARD_SIZE,
    workers: int | None = None,
    runner: RunnerName = "threads",
    address: str | None = None,
    isolated: bool = True,
    unit_seconds: float = 120,
    memory_gib: float | None = None,
    face: FaceChoice = "largest",
    without: tuple[str, ...] = (),
    plan_only: bool = False,
) -> Path:
    """Reconstruct what is missing of a collection below ``out``: files of every face, and the table `reconstructions`.

    ``reconstruct(...)`` runs through Prefect, ``reconstruct.fn(...)`` without it. A photograph that cannot be
    reconstructed becomes a row that says why. ``inputs`` is what data.collections.discover takes, ``method`` one of
    ganfit_core.methods.METHODS; ``iterations`` takes the place of the preset's most steps of stage 2.

    A unit (a photograph, with ``videos`` also a video) is computed when the table lacks its row for these contents,
    settings, models and code; ``again``: always; ``retry_failed``: also where its status is failed. ``prune`` removes
    the rows of units that are gone. Shards of ``shard_size`` units are computed by so many ``workers`` of a ``runner``
    (flows.runners; by default as many as the machine has room for); ``isolated``: in processes of their own, where a
    unit that takes longer than ``unit_seconds`` or more than ``memory_gib`` is given up. ``face``: which one of a
    photograph, unless ``all_faces``. ``without``: terms of the energy that are left out; rows of another energy replace
    those of the whole one, so give them another folder. ``plan_only`` computes and writes nothing: what would be done
    is said to tasks.progress. Returns the table's folder.

    Raises data.collections.CollectionError for paths that hold no photographs, data.assets.AssetError for models that
    are not there, data.lock.LockedError while another process writes to ``out``, data.disk.DiskSpaceError, OSError
    where results cannot be written, flows.runners.RunnerError, and tasks.shard_results.IncompleteError for shards that
    could not be finished for other reasons, after the rest.
    """
    out = out.absolute()  # workers elsewhere have other working directories
    kinds: tuple[Kind, ...] = ("photo", "video") if videos else ("photo",)
    collection = discover(inputs, exclude=[out / folder for folder in RESULT_FOLDERS], kinds=kinds)
    recipe = METHODS[method]
    run = Run(
        out, preset, recipe, iterations, all_faces, seed, collection.key, collection.name, batch, files, face, without
    )
    workers = workers or workers_here(isolated)
    where = task_runner(runner, workers, address)  # before all else: it may not be installed
    wishes = Wishes(unit_seconds, memory_gib, workers, cluster=runner in ("ray", "dask")) if isolated else None
    limits = limits_here(wishes) if wishes else None
    with contextlib.nullcontext() if plan_only else locked(out, "reconstruct"), worker_processes:
        plan = call(plan_run, collection, run, limits, shard_size, again, retry_failed)
        current().planned(plan)
        if plan_only:
            return out / "reconstructions"
        require_space(out, plan.missing * BYTES_PER_UNIT[files] * _SIZE[preset])
        call(keep_plan, plan, run)
        current().started(plan.missing)
        results = ShardResults(plan, run)
        shared = {"run": run, "wishes": wishes}
        computed = each(reconstruct_shard, "shard", plan.shards, shared, workers, where, worker_processes.close)
        with contextlib.closing(computed):
            for shard, result in computed:
                results.add(shard, result)
        call(tidy, plan.wanted, run, kinds if prune else ())
        results.publish()
    results.require_complete()
    return out / "reconstructions"
