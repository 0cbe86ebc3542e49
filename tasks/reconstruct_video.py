"""A video of a collection -> finished work."""

from __future__ import annotations

import dataclasses

from data.collections import Unit
from tasks.export_video import export_video
from tasks.fit_video import find_in_video, fit_person, track_face
from tasks.run import Run, Work
from tasks.video_work import VideoRun
from tasks.write_video_rows import frame_rows


def video_run(run: Run) -> VideoRun:
    """The run with a video's options: eight frames of the best quality are fitted together."""
    return VideoRun(**{field.name: getattr(run, field.name) for field in dataclasses.fields(run)})


def reconstruct_video(unit: Unit, run: Run) -> Work:
    """The video's row and those of its frames; a video that cannot be read, or shows no face, says so."""
    own = video_run(run)
    filmed = track_face.fn(fit_person.fn(find_in_video.fn(unit, own), own), own)
    if own.files != "none":
        filmed = export_video.fn(filmed, own)
    return dataclasses.replace(filmed.work, frame_rows=frame_rows(filmed, own))
