"""A tracked video -> files for other programs."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from prefect import task
from prefect.cache_policies import NO_CACHE

from data.video_writer import write_video
from ganfit_core import export, overlay
from ganfit_core.animation import reduce_expressions, write_animation
from ganfit_core.head_view import HeadView, layers, panels
from ganfit_core.tracking import jitter, runs_of
from tasks import models
from tasks.code import code_version
from tasks.progress import current
from tasks.video_work import Filmed, VideoRun, batched, given, head_of, morphable, step

_SIDE = 320
"""Pixels a side on which a head is rendered before it is laid over the video."""


@task(name="export video", tags=["cpu"], timeout_seconds=6 * 3600, cache_policy=NO_CACHE, persist_result=False)
def export_video(filmed: Filmed, run: VideoRun) -> Filmed:
    """Write the animated head, the overlay and the parameters. A video that failed earlier passes through."""
    exported = step(filmed, "export", lambda: _export(filmed, run))
    current().finished(exported.work)
    return exported


def _export(filmed: Filmed, run: VideoRun) -> Filmed:
    folder = run.folder(filmed.work.unit)
    target = run.out / folder
    _write_head(filmed, run, target / "face.glb")
    video = given(filmed.video)
    write_video(target / "overlay.mp4", _pictures(filmed), video.rate)
    person = given(filmed.person)
    sheet = [overlay.panel(face.image, result) for face, result in zip(person.faces, person.results, strict=True)]
    export.write_png(target / "overlay.png", np.concatenate(sheet))
    _write_parameters(filmed, run, target / "parameters.npz")
    columns = {"mesh": (folder / "face.glb").as_posix(), "overlay": (folder / "overlay.png").as_posix()}
    return dataclasses.replace(filmed, work=filmed.work.with_columns(**columns))


def _write_head(filmed: Filmed, run: VideoRun, path: Path) -> None:
    model, track = morphable(), given(filmed.track)
    head = head_of(given(filmed.person))
    with torch.no_grad():
        neutral = model(head.identity[None].to(model.mean), model.mean.new_zeros(1, model.n_expression))[0]
    morphs = reduce_expressions(
        neutral.cpu().numpy(),
        model.expression_basis.cpu().numpy(),
        track.expression.numpy(),
        model.regions["face"].cpu().numpy(),
    )
    times = np.array(given(filmed.video).times)[given(filmed.faces).frames]
    write_animation(path, models.models_of(run).topology, head.texture, morphs, times)


def _pictures(filmed: Filmed) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """Every frame of the video beside its face and its shape; without a face, thrice the same."""
    video, faces = given(filmed.video), given(filmed.faces)
    view = HeadView(morphable(), head_of(given(filmed.person)), given(filmed.track), _SIDE)
    light = torch.from_numpy(given(filmed.light))
    row_of = {int(frame): row for row, frame in enumerate(faces.frames)}
    for frames in batched(video.frames()):
        rows = [row_of[frame.index] for frame in frames if frame.index in row_of]
        drawn = {layer.row: layer for layer in layers(view, rows, light[rows])} if rows else {}
        for frame in frames:
            yield panels(frame.image, drawn.get(row_of.get(frame.index, -1)))
        current().step("drawing", frames[-1].index + 1, len(video))


def _write_parameters(filmed: Filmed, run: VideoRun, path: Path) -> None:
    video, faces = given(filmed.video), given(filmed.faces)
    person, track = given(filmed.person), given(filmed.track)
    runs = runs_of(faces.frames, faces.landmarks)
    metadata = {
        "units": "mm; coefficients in standard deviations; landmarks in px of the upright frames",
        "unit_id": filmed.work.unit.unit_id,
        "frames": len(video),
        "frames_per_second": video.rate,
        "damage": video.damage,
        "jitter_percent": {
            "tracked": jitter(track.landmarks.numpy(), runs),
            "detected": jitter(faces.landmarks, runs),
        },
        "preset": run.preset,
        "method": run.method.name,
        "texture_model": run.method.texture,
        "seed": run.seed,
        "assets": dict(models.models_of(run).sha256),
        "code_version": code_version(),
    }
    arrays = {
        "identity": person.results[0].identity,
        "texture": person.results[0].texture,
        "frame": faces.frames,
        "time": np.array(video.times)[faces.frames],
        "chosen": faces.frames[person.chosen],
        "expression": track.expression.numpy(),
        "camera": track.camera.numpy(),
        "light": given(filmed.light),
        "landmarks": faces.landmarks,
        "tracked_landmarks": track.landmarks.numpy(),
        "landmark_error": track.error.numpy(),
        "metadata": np.array(json.dumps(metadata, sort_keys=True)),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    export.replace_bytes(path, buffer.getvalue())
