"""Fitted models -> files for other programs."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from ganfit_core import export, overlay
from tasks import models
from tasks.progress import current
from tasks.run import Run, Work, code_version
from tasks.threads import in_threads

logger = logging.getLogger(__name__)


@task(name="export faces", tags=["cpu"], timeout_seconds=3600, cache_policy=NO_CACHE, persist_result=False)
def export_faces(batch: Sequence[Work], run: Run) -> list[Work]:
    """Write each face's files and let its pictures go. Work that failed earlier passes through."""
    listener = current()
    exported: list[Work] = []
    for work in in_threads(lambda work: _export(work, run), batch):
        exported.append(work)
        listener.finished(work)
    return exported


def _export(work: Work, run: Run) -> Work:
    if work.result is None or work.face is None:
        return work
    face_index = work.columns["face_index"]
    folder = run.folder(work.unit, face_index)
    target = run.out / folder
    loaded = models.models_of(run)
    try:
        started = time.perf_counter()
        mesh = dataclasses.replace(loaded.topology, vertices=work.result.vertices)
        export.write_glb(target / "face.glb", mesh, work.result.uv_map)
        export.write_obj(target / "face.obj", mesh, work.result.uv_map)
        metadata = {
            "unit_id": work.unit.unit_id,
            "face_index": face_index,
            "preset": run.preset,
            "method": run.method.name,
            "texture_model": run.method.texture,
            "seed": run.seed,
            "assets": dict(loaded.sha256),
            "code_version": code_version(),
        }
        export.write_parameters(target / "parameters.npz", work.result, work.face.landmarks, work.face.matrix, metadata)
        export.write_png(target / "overlay.png", overlay.panel(work.face.image, work.result))
    except Exception as error:
        logger.debug("%s: export failed", work.unit.unit_id, exc_info=True)
        return work.failed("export", error)
    done = work.with_columns(
        stage="export",
        mesh=(folder / "face.glb").as_posix(),
        overlay=(folder / "overlay.png").as_posix(),
        seconds={"export": time.perf_counter() - started},
    )
    return dataclasses.replace(done, face=None, result=None)
