"""A video -> its row of `reconstructions`, and a row of `frames` for each of its frames."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from data import manifest, schemas, tables
from tasks import models
from tasks.lineage import lineage_of
from tasks.video_work import Faces, Filmed, VideoRun
from tasks.write_rows import write_rows


@task(
    name="write video rows", tags=["io"], retries=2, retry_delay_seconds=5, cache_policy=NO_CACHE, persist_result=False
)
def write_video_rows(filmed: Filmed, run: VideoRun) -> Path:
    """Write both, and return the part of `reconstructions`.

    A video that could not be read has no frames, not even those of an earlier run that could read it.
    """
    rows = frame_rows(filmed, run)
    if not rows:
        tables.drop_parts_from(run.out, run.partition, run.collection_key, 0, tables.FRAMES)
    work = dataclasses.replace(filmed.work, frame_rows=rows)
    paths = write_rows([work], run.collection_key, run, lineage_of(run, videos=True))
    manifest.record(run.out, paths, run.run_id)
    return paths[-1]


def frame_rows(filmed: Filmed, run: VideoRun) -> list[dict[str, Any]]:
    """A row of `frames` for each frame that could be decoded."""
    if filmed.video is None:
        return []
    common = dict.fromkeys(schemas.frames(models.models_of(run).dimensions).names) | {
        "run_id": run.run_id,
        "method": run.method.name,
        "texture_model": run.method.texture,
        "collection": run.collection,
        "collection_key": run.collection_key,
        "unit_id": filmed.work.unit.unit_id,
        "chosen": False,
        "status": "no_face",
    }
    seen: dict[int, dict[str, Any]] = {}
    if filmed.faces is not None:
        for row, frame in enumerate(filmed.faces.frames.tolist()):
            seen[frame] = _detected(filmed.faces, row) | _tracked(filmed, row)
    return [
        common | {"frame": frame, "time_s": time} | seen.get(frame, {}) for frame, time in enumerate(filmed.video.times)
    ]


def _detected(faces: Faces, row: int) -> dict[str, Any]:
    return {
        "status": "ok",
        "detection_score": faces.qualities[row].score,
        "detection_box": faces.boxes[row],
        "landmarks": faces.landmarks[row].reshape(-1),
    }


def _tracked(filmed: Filmed, row: int) -> dict[str, Any]:
    if filmed.person is None or filmed.track is None or filmed.light is None:
        return {}
    return {
        "chosen": row in filmed.person.chosen,
        "expression": filmed.track.expression[row].numpy(),
        "camera": filmed.track.camera[row].numpy(),
        "light": np.asarray(filmed.light[row], np.float32),
        "landmark_error": float(filmed.track.error[row]),
    }
