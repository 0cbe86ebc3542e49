"""Videos -> faces in their frames -> one person -> a track of all frames."""

from __future__ import annotations

import dataclasses
import logging
import time

import numpy as np
import torch
from jaxtyping import Float
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.collections import Unit, content_sha256
from data.schemas import LOSS_TERMS
from data.video import Frame, Video, VideoError, open_video, sample_uniform
from ganfit_core.frame_choice import FrameQuality, choose, head_pose, openness, sharpness
from ganfit_core.head_view import HeadView
from ganfit_core.perception.align import align_face
from ganfit_core.perception.faces import Face
from ganfit_core.tracking import runs_of, track
from ganfit_core.video_light import LightEvidence, lamp_at, lamp_of, solve_light
from tasks import models
from tasks.progress import current
from tasks.run import Work
from tasks.threads import in_threads
from tasks.video_work import Faces, Filmed, Person, VideoRun, batched, given, head_of, morphable, step, with_faces

logger = logging.getLogger(__name__)

_LIGHT_SIDE = 96
"""Pixels a side on which a frame's light is judged."""


@task(name="find faces in video", tags=["cpu"], timeout_seconds=6 * 3600, cache_policy=NO_CACHE, persist_result=False)
def find_in_video(unit: Unit, run: VideoRun) -> Filmed:
    """Count the frames and find the largest face of each. A video that cannot be read, or shows no face, says so."""
    work = Work(unit, {"status": "ok", "stage": "read", "content_sha256": content_sha256(unit), "frames": 0})
    started = time.perf_counter()
    try:
        video = open_video(unit.path)
    except VideoError as error:
        reason = str(error).removeprefix(f"{unit.path}: ")
        return Filmed(work.with_columns(status="unreadable", reason=reason))
    work = work.with_columns(stage="detect", reason=video.damage, seconds={"read": time.perf_counter() - started})
    try:
        started = time.perf_counter()
        faces = _faces_of(video, run)
        work = work.with_columns(seconds={"detect": time.perf_counter() - started})
    except Exception as error:
        logger.debug("%s: detect failed", unit.unit_id, exc_info=True)
        return Filmed(work.failed("detect", error), video)
    if not len(faces.frames):
        reason = f"no face found in {len(video)} frames" + (f"; {video.damage}" if video.damage else "")
        return Filmed(work.with_columns(status="no_face", reason=reason), video, faces)
    return Filmed(work, video, faces)


def _faces_of(video: Video, run: VideoRun) -> Faces:
    loaded, listener = models.models_of(run), current()

    def find(frame: Frame) -> tuple[int, Face, float] | None:
        detections = loaded.detect(frame.image)
        if not detections:
            return None
        landmarks = loaded.landmarks(frame.image, detections[0].box, detections[0].points)
        return frame.index, Face(detections[0], landmarks), sharpness(frame.image, detections[0].box)

    found = []
    for frames in batched(video.frames()):
        found += [face for face in in_threads(find, frames) if face is not None]
        listener.step("finding the face", frames[-1].index + 1, len(video))
    landmarks = np.array([face.landmarks for _, face, _ in found], np.float32).reshape(-1, 68, 2)
    poses = head_pose(_mean_landmarks(), landmarks)
    return Faces(
        np.array([index for index, _, _ in found], np.int64),
        np.array([face.detection.box for _, face, _ in found], np.float32).reshape(-1, 4),
        landmarks,
        [
            FrameQuality(float(face.detection.score), sharp, float(yaw), float(pitch), openness(face.landmarks))
            for (_, face, sharp), (yaw, pitch) in zip(found, poses, strict=True)
        ],
    )


@task(name="fit person", tags=["accelerator"], timeout_seconds=6 * 3600, cache_policy=NO_CACHE, persist_result=False)
def fit_person(filmed: Filmed, run: VideoRun) -> Filmed:
    """Fit identity and texture to some frames together (Fast-GANFIT, Eq. 14)."""
    return step(filmed, "fit", lambda: _fit(filmed, run))


def _fit(filmed: Filmed, run: VideoRun) -> Filmed:
    loaded, listener = models.models_of(run), current()
    video, found = given(filmed.video), given(filmed.faces)
    if run.choice == "quality":
        chosen = choose(found.qualities, run.frames)
    else:
        chosen = sample_uniform(len(found.frames), run.frames)
    rows = {int(found.frames[row]): row for row in chosen}
    aligned = [
        align_face(frame.image, found.landmarks[rows[frame.index]], size=loaded.crop_size)
        for frame in video.frames(rows)
    ]
    results = loaded.reconstructor.fit(
        aligned,
        run.seed,
        lambda done, total: listener.step(f"fitting {len(aligned)} frames", done, total),
        people=[0] * len(aligned),
    )
    work = filmed.work.with_columns(
        frames=len(chosen),
        losses={term: float(np.mean([result.losses[term] for result in results])) for term in LOSS_TERMS},
        iterations=max(result.iterations for result in results),
        converged=all(result.converged for result in results),
        identity=np.asarray(results[0].identity, np.float32),
        texture=np.asarray(results[0].texture, np.float32),
    )
    return dataclasses.replace(filmed, work=work, person=Person(chosen, aligned, results))


@task(name="track face", tags=["cpu"], timeout_seconds=6 * 3600, cache_policy=NO_CACHE, persist_result=False)
def track_face(filmed: Filmed, run: VideoRun) -> Filmed:
    """Expression, camera and light of every frame with a face."""
    return step(filmed, "fit", lambda: _track(filmed))


def _track(filmed: Filmed) -> Filmed:
    video, faces, person = given(filmed.video), given(filmed.faces), given(filmed.person)
    model, head = morphable(), head_of(person)
    side = max(video.width, video.height)
    middle = np.array([side - video.width, side - video.height], np.float32) / 2
    runs = runs_of(faces.frames, faces.landmarks)
    current().step("tracking", 0, len(faces.frames))
    in_square = torch.from_numpy(faces.landmarks + middle)
    found = track(model, head.identity, _focal(person, side), in_square, side, torch.from_numpy(runs), video.rate)
    found = dataclasses.replace(found, landmarks=found.landmarks - torch.from_numpy(middle))

    lights = torch.from_numpy(np.stack([result.light for result in person.results]))
    position = lamp_at(lamp_of(lights[:, :3], found.camera[person.chosen]), found.camera)
    view = HeadView(model, head, found, _LIGHT_SIDE)
    evidence = []
    for rows, frames in with_faces(video, faces):
        images = [frame.image for frame in frames]
        evidence.append(view.light_evidence(rows, images, position[rows]))
        current().step("measuring light", rows[-1] + 1, len(faces.frames))
    whole = LightEvidence(*(torch.cat(parts) for parts in zip(*evidence, strict=True)))
    light = solve_light(position, whole, lights[:, 3:].mean(dim=0), torch.from_numpy(runs)).numpy()
    return dataclasses.replace(filmed, track=found, light=light)


def _focal(person: Person, side: int) -> float:
    """Focal length in half sides of the whole square image: the median of what the crops' cameras say."""
    found = []
    for face, result in zip(person.faces, person.results, strict=True):
        crop_side = len(face.image) / np.sqrt(abs(np.linalg.det(face.matrix[:, :2])))
        found.append(result.camera[9] * crop_side / side)
    return float(np.median(found))


def _mean_landmarks() -> Float[np.ndarray, "68 3"]:
    model = morphable()
    return np.asarray(model.mean[model.landmark_indices].cpu().numpy())
