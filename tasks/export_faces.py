"""Fitted models -> files for other programs."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from data.disk import NO_ROOM
from ganfit_core import export, overlay
from tasks import models
from tasks.code import code_version
from tasks.healing import healing
from tasks.run import Run, Work
from tasks.threads import in_threads

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult
    from ganfit_core.perception.align import AlignedFace

logger = logging.getLogger(__name__)


def export_faces(batch: Sequence[Work], run: Run) -> list[Work]:
    """Write each face's files, as far as the run wants any, and let its pictures go.

    Work that failed earlier passes through. Raises OSError where nothing can be written any more: the next face would
    fare no better.
    """
    return list(in_threads(lambda work: _export(work, run), batch))


def _export(work: Work, run: Run) -> Work:
    face, result = work.face, work.result
    if face is None or result is None:
        return work
    if run.files == "none":
        return dataclasses.replace(work, face=None, result=None)
    folder = run.folder(work.unit, work.columns["face_index"])
    started = time.perf_counter()
    try:
        healing(lambda: _write(work, face, result, run), work.unit.unit_id)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        logger.debug("%s: export failed", work.unit.unit_id, exc_info=True)
        return work.failed("export", error)
    done = work.with_columns(
        stage="export",
        mesh=(folder / "face.glb").as_posix() if run.files == "all" else None,
        overlay=(folder / "overlay.png").as_posix(),
        seconds={"export": time.perf_counter() - started},
    )
    return dataclasses.replace(done, face=None, result=None)


def _write(work: Work, face: AlignedFace, result: FitResult, run: Run) -> None:
    target = run.out / run.folder(work.unit, work.columns["face_index"])
    if run.files == "all":
        loaded = models.models_of(run)
        mesh = dataclasses.replace(loaded.topology, vertices=result.vertices)
        export.write_glb(target / "face.glb", mesh, result.uv_map)
        export.write_obj(target / "face.obj", mesh, result.uv_map)
        metadata = {
            "unit_id": work.unit.unit_id,
            "face_index": work.columns["face_index"],
            "preset": run.preset,
            "method": run.method.name,
            "texture_model": run.method.texture,
            "seed": run.seed,
            "assets": dict(loaded.sha256),
            "code_version": code_version(),
        }
        export.write_parameters(target / "parameters.npz", result, face.landmarks, face.matrix, metadata)
    export.write_png(target / "overlay.png", overlay.panel(face.image, result))
