"""`ganfit fit-video`: a video of a person becomes one textured 3D face that moves."""

from __future__ import annotations

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from flows.console import (
    BAD_ARGUMENT,
    DEFAULT_METHOD,
    MethodName,
    PresetName,
    out,
    reconstructing,
    recorded_if_served,
    stop,
)


class Choice(enum.StrEnum):
    """How frames are chosen, as tasks.video_work.Choice names it."""

    quality = "quality"
    uniform = "uniform"


def fit_video(
    video: Annotated[Path, typer.Argument(help="A video, or a folder of images in order.", show_default=False)],
    out_folder: Annotated[Path, typer.Option("--out", help="Folder for the results.", show_default=False)],
    frames: Annotated[int, typer.Option(help="Frames that identity and texture are fitted to.", min=1)] = 8,
    choose: Annotated[
        Choice,
        typer.Option(
            help="quality: certain, sharp, eyes open, from many sides; uniform: evenly over those with a face."
        ),
    ] = Choice.quality,
    preset: Annotated[PresetName, typer.Option(help="As for `ganfit fit`.")] = PresetName.laptop,
    method: Annotated[MethodName, typer.Option(help="`ganfit methods` says what each does.")] = DEFAULT_METHOD,
    iterations: Annotated[int | None, typer.Option(help="As for `ganfit fit`.", min=1)] = None,
    seed: Annotated[int, typer.Option(help="As for `ganfit fit`.", min=0, max=2**63 - 1)] = 0,
) -> None:
    """Turn a video of one person into a textured 3D face that moves as in the video.

    Identity and texture are fitted to some frames together; expression, pose and light are tracked through all. The
    largest face of every frame counts. The exit code is 1 where there is no face or no video, and the table says why.
    """
    from data import tables
    from data.video import VideoError
    from tasks.video_work import unit_of

    try:
        unit_of(video)
    except VideoError as error:
        stop(str(error), BAD_ARGUMENT)
    with reconstructing(out_folder, preset, [method], iterations):
        from flows.fit_video import fit_video as flow

        run = recorded_if_served(flow)
        run(video, out_folder, frames, choose.value, preset.value, method.value, iterations, seed)
    latest = max(tables.read(out_folder).to_pylist(), key=lambda row: row["created_at"])
    if latest["status"] != "ok":
        raise typer.Exit(1)
    _report((out_folder / latest["mesh"]).parent)


def _report(folder: Path) -> None:
    import numpy as np

    with np.load(folder / "parameters.npz", allow_pickle=False) as file:
        metadata, tracked = json.loads(str(file["metadata"])), len(file["frame"])
    out.print(f"  video    {folder / 'overlay.mp4'}")
    lacking = metadata["frames"] - tracked
    out.print(
        f"{metadata['frames']} frames, {lacking} without a face"
        + (f"; {metadata['damage']}" if metadata["damage"] else "")
    )
    jitter = metadata["jitter_percent"]
    if jitter["tracked"] is not None:
        out.print(
            f"jitter of the landmarks: {jitter['tracked']:.2f} % of the distance between the eyes, "
            f"{jitter['detected']:.2f} % as detected"
        )
