"""A photograph -> its aligned faces."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from data.collections import Unit, content_sha256
from ganfit_core.perception.align import align_face
from ganfit_core.perception.detect import Detection
from ganfit_core.perception.photo import PhotoError, read_scaled_photo
from tasks import models
from tasks.healing import healing
from tasks.run import FaceChoice, Run, Work

logger = logging.getLogger(__name__)


def find_faces(unit: Unit, run: Run, entered: Callable[[str], None] = lambda stage: None) -> list[Work]:
    """At least one piece of work; those without a usable face carry the reason. ``entered`` hears of every stage."""
    entered("read")
    work = Work(unit, {"status": "ok", "stage": "read"})
    stage = "read"

    def read() -> tuple[np.ndarray, float]:
        nonlocal work
        # Before the pixels: of a file that is replaced in between, the next run sees that it changed.
        work = work.with_columns(content_sha256=content_sha256(unit))
        started = time.perf_counter()
        pixels = read_scaled_photo(unit.path)
        work = work.with_columns(seconds={"read": time.perf_counter() - started})
        return pixels

    try:
        photo, scale = healing(read, unit.unit_id)
        stage = "detect"
        entered(stage)
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
    entered("align")
    wanted = detections if run.all_faces else [chosen(detections, run.face, photo)]
    faces = list(_aligned(work, photo, scale, wanted, run))
    return [dataclasses.replace(face, siblings=len(faces)) for face in faces]


def chosen(detections: Sequence[Detection], choice: FaceChoice, photo: np.ndarray) -> Detection:
    """Of some faces, the largest first, the one that is asked for."""
    if choice == "largest":
        return detections[0]
    middle = np.array([photo.shape[1], photo.shape[0]]) / 2
    return min(detections, key=lambda face: float(np.hypot(*((face.box[:2] + face.box[2:]) / 2 - middle))))


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
