"""Photographs -> aligned faces."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterator, Sequence

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.assets.hashing import sha256_of
from data.collections import Unit
from ganfit_core.perception.align import align_face
from ganfit_core.perception.detect import Detection
from ganfit_core.perception.photo import PhotoError, read_scaled_photo
from tasks import models
from tasks.progress import current
from tasks.run import Run, Work
from tasks.threads import in_threads

logger = logging.getLogger(__name__)


@task(name="find faces", tags=["cpu"], timeout_seconds=3600, cache_policy=NO_CACHE, persist_result=False)
def find_faces(units: Sequence[Unit], run: Run) -> list[Work]:
    """At least one piece of work per photograph, in order; those without a usable face carry the reason."""
    listener = current()
    found: list[Work] = []
    for number, faces in enumerate(in_threads(lambda unit: _faces_of(unit, run), units)):
        found += faces
        listener.step("finding faces", number + 1, len(units))
    for work in found:
        if not work.ok:
            listener.finished(work)
    return found


def _faces_of(unit: Unit, run: Run) -> list[Work]:
    work = Work(unit, {"status": "ok", "stage": "read", "content_sha256": _content_sha256(unit)})
    stage = "read"
    try:
        started = time.perf_counter()
        photo, scale = read_scaled_photo(unit.path)
        work = work.with_columns(seconds={"read": time.perf_counter() - started})
        stage = "detect"
        started = time.perf_counter()
        detections = models.models_of(run).detect(photo)
        work = work.with_columns(stage=stage, seconds={"detect": time.perf_counter() - started})
    except PhotoError as error:
        return [work.with_columns(status="unreadable", reason=error.reason)]
    except Exception as error:
        logger.debug("%s: %s failed", unit.unit_id, stage, exc_info=True)
        return [work.failed(stage, error)]
    if not detections:
        return [work.with_columns(status="no_face", reason="no face found")]
    return list(_aligned(work, photo, scale, detections if run.all_faces else detections[:1], run))


def _aligned(work: Work, photo: np.ndarray, scale: float, detections: Sequence[Detection], run: Run) -> Iterator[Work]:
    """Aligned faces; the table speaks of pixels of the file, of which ``photo`` has ``scale`` times as many a side."""
    loaded = models.models_of(run)
    for index, detection in enumerate(detections):
        face_work = work.with_columns(
            stage="align",
            face_index=index,
            detection_score=detection.score,
            detection_box=np.asarray(detection.box / scale, dtype=np.float32),
        )
        try:
            started = time.perf_counter()
            landmarks = loaded.landmarks(photo, detection.box, detection.points)
            face = align_face(photo, landmarks, size=loaded.crop_size)
            # Linear part times scale: from the file's pixels straight to the crop's.
            face = dataclasses.replace(face, matrix=face.matrix * np.array([scale, scale, 1.0], dtype=np.float32))
            yield Work(
                face_work.unit,
                face_work.with_columns(
                    landmarks=np.asarray(landmarks / scale, dtype=np.float32).reshape(-1),
                    seconds={"align": time.perf_counter() - started},
                ).columns,
                face=face,
            )
        except Exception as error:
            logger.debug("%s: alignment failed", work.unit.unit_id, exc_info=True)
            yield face_work.failed("align", error)


def _content_sha256(unit: Unit) -> str | None:
    try:
        return sha256_of(unit.path) if unit.path.is_file() else None
    except OSError:
        return None  # reading it for its pixels will fail too, and say why
