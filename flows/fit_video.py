"""A video of a person becomes one textured 3D face that moves."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from data.lock import locked
from ganfit_core.methods import DEFAULT, METHODS
from tasks import models
from tasks.export_video import export_video
from tasks.fit_video import find_in_video, fit_person, track_face
from tasks.plan_run import tidy
from tasks.progress import current
from tasks.steps import call
from tasks.video_work import Choice, VideoRun, unit_of
from tasks.write_video_rows import write_video_rows


@flow(name="fit-video", validate_parameters=True)
def fit_video(
    video: Path,
    out: Path,
    frames: int = 8,
    choice: Choice = "quality",
    preset: str = "laptop",
    method: str = DEFAULT,
    iterations: int | None = None,
    seed: int = 0,
) -> Path:
    """Fit one identity and texture to some frames of a video, track the face through all, and write below ``out`` the
    animated head, pictures and the tables `reconstructions` and `frames`.

    ``video`` is a file or a folder of images. One that cannot be read or shows no face becomes a row that says why.
    Returns the table's folder.

    Raises data.video.VideoError for a path that does not exist and data.assets.AssetError for models that are not
    there.
    """
    unit, key = unit_of(video)
    collection = unit.path.parent.name or "root"
    run = VideoRun(out, preset, METHODS[method], iterations, False, seed, key, collection, frames=frames, choice=choice)
    models.models_of(run)  # a missing model stops the run before the first frame is read
    with locked(out, "ganfit fit-video"):
        current().started(1)
        filmed = call(find_in_video, unit, run)
        fitted = call(fit_person, filmed, run)
        tracked = call(track_face, fitted, run)
        exported = call(export_video, tracked, run)
        call(write_video_rows, exported, run)
        call(tidy, {unit.unit_id: None}, run)
    return out / "reconstructions"
