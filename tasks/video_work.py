"""A video on its way to becoming rows: what is known of it after each step."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
import torch
from jaxtyping import Float32, Int64

from data import assets
from data.collections import Unit
from data.video import Frame, Video, VideoError
from tasks.run import Run, Work

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult
    from ganfit_core.frame_choice import FrameQuality
    from ganfit_core.head_view import Head
    from ganfit_core.morphable import MorphableModel
    from ganfit_core.perception.align import AlignedFace
    from ganfit_core.tracking import Track

logger = logging.getLogger(__name__)

T = TypeVar("T")

Choice = Literal["quality", "uniform"]
BATCH = 16
"""Frames that are held at a time."""


@dataclass(frozen=True)
class VideoRun(Run):
    """One run over one video."""

    frames: int = 8
    """How many frames identity and texture are fitted to."""
    choice: Choice = "quality"
    """By what they are chosen."""

    def config_sha256(self, settings: Mapping[str, Any]) -> str:
        """As that of photographs, with the options of a video."""
        return super().config_sha256({**settings, "frames": self.frames, "choice": self.choice})

    def folder(self, unit: Unit, face_index: int = 0) -> Path:
        """Where the video's files go, relative to ``out``."""
        return Path("videos", f"{self.collection_key[:8]}-{self.method.name}", unit.unit_id)


@dataclass(frozen=True, eq=False)
class Faces:
    """The largest face of every frame that has one."""

    frames: Int64[np.ndarray, "t"]
    """Their places in the video."""
    boxes: Float32[np.ndarray, "t 4"]
    landmarks: Float32[np.ndarray, "t 68 2"]
    """Pixels of the frames."""
    qualities: list[FrameQuality]


@dataclass(frozen=True, eq=False)
class Person:
    """What the chosen frames gave."""

    chosen: list[int]
    """Rows of `Faces`."""
    faces: list[AlignedFace]
    results: list[FitResult]


@dataclass(frozen=True, eq=False)
class Filmed:
    """A video as it passes through the steps; what a step finds is None before it."""

    work: Work
    """The row."""
    video: Video | None = None
    faces: Faces | None = None
    person: Person | None = None
    track: Track | None = None
    light: Float32[np.ndarray, "t 9"] | None = None


@functools.cache
def morphable() -> MorphableModel:
    """The shape model, where the fits run."""
    from ganfit_core.morphable import MorphableModel

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return MorphableModel.load(assets.find("morphable")).to(device)


def head_of(person: Person) -> Head:
    """What all frames share."""
    from ganfit_core.head_view import Head

    return Head(torch.from_numpy(person.results[0].identity), person.results[0].uv_map)


def unit_of(path: Path) -> tuple[Unit, str]:
    """The video as a unit of its folder, and a key that no other path has.

    Raises VideoError for a path that does not exist.
    """
    if not path.exists():
        raise VideoError(f"{path}: no such file or folder")
    whole = path.absolute()
    name = whole.name.encode("utf-8", errors="backslashreplace").decode()
    return Unit(name, whole), hashlib.sha256(str(whole).encode("utf-8", errors="backslashreplace")).hexdigest()[:12]


def given(value: T | None) -> T:
    """What an earlier step found."""
    if value is None:
        raise ValueError("the video has not come that far")
    return value


def step(filmed: Filmed, stage: str, work: Callable[[], Filmed]) -> Filmed:
    """Do a part of the work on a video that is still going well, and note its time; an error becomes the reason."""
    if not filmed.work.ok:
        return filmed
    started = time.perf_counter()
    try:
        done = work()
    except Exception as error:
        logger.debug("%s: %s failed", filmed.work.unit.unit_id, stage, exc_info=True)
        return dataclasses.replace(filmed, work=filmed.work.failed(stage, error))
    known = filmed.work.columns.get("seconds", {}).get(stage, 0.0)
    seconds = {stage: known + time.perf_counter() - started}
    return dataclasses.replace(done, work=done.work.with_columns(stage=stage, seconds=seconds))


def with_faces(video: Video, faces: Faces) -> Iterator[tuple[list[int], list[Frame]]]:
    """The frames that show a face, some at a time, with their rows of `Faces`."""
    for frames in batched(video.frames(faces.frames.tolist())):
        yield np.searchsorted(faces.frames, [frame.index for frame in frames]).tolist(), frames


def batched(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Runs of at most `size` items."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch
