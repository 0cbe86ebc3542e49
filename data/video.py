"""Videos as frames in their order: files of any kind that PyAV decodes, raw MJPEG streams, and folders of images.

How many frames there are is found by decoding them all: what a container says of itself is often wrong, and a raw
stream says nothing. Frames are never held together; `Video.frames` decodes anew.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
import re
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from data.collections import IMAGE_EXTENSIONS

DEFAULT_RATE = 25.0
"""Frames per second where nothing says it: folders of images, most raw streams."""

# FFmpeg takes any text for a terminal's recording.
_NOT_VIDEO = {"tty"}

Image8 = UInt8[np.ndarray, "h w 3"]


class VideoError(ValueError):
    """No frame can be had; the message is one line for a user."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright."""

    index: int
    """Its place among the frames that can be decoded, from 0."""
    time: float
    """Seconds from the first frame."""
    image: Image8
    """sRGB."""


@dataclass(frozen=True)
class Video:
    """A file or folder whose frames have been counted."""

    path: Path
    times: tuple[float, ...]
    """Seconds of each frame from the first, increasing."""
    width: int
    """Of the upright frames, px; those of another size than the first are left out."""
    height: int
    damage: str | None
    """What could not be used, and why; None where all could."""

    def __len__(self) -> int:
        return len(self.times)

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return (len(self) - 1) / self.times[-1] if len(self) > 1 else DEFAULT_RATE

    def frames(self, indices: Collection[int] | None = None) -> Iterator[Frame]:
        """Decode in one pass and give all frames, or those of some indices, in their order.

        Raises:
            IndexError: there is no frame of such an index.
            VideoError: the file has changed since it was opened.
        """
        wanted = set(range(len(self)) if indices is None else indices)
        unknown = wanted.difference(range(len(self)))
        if unknown:
            raise IndexError(f"{self.path} has {len(self)} frames, none of index {min(unknown)}")
        last = max(wanted, default=-1)
        count = 0
        for count, frame in enumerate(itertools.islice(_decode(self.path, []), last + 1), 1):
            if count - 1 in wanted:
                yield Frame(count - 1, self.times[count - 1], frame.image())
        if count <= last:
            raise VideoError(f"{self.path}: fewer frames than when it was opened")


def open_video(path: Path) -> Video:
    """Count a video's frames by decoding them.

    Where a frame cannot be decoded, those before it are kept (less the few that a decoder holds back to sort them), and
    of streams whose frames do not build on each other (MJPEG, folders) also those after it; `Video.damage` says what is
    lacking.

    Raises:
        VideoError: no such path, an empty file, not a video, or not one frame that can be decoded.
    """
    damages: list[str] = []
    times: list[float] = []
    size = 0, 0
    for frame in _decode(path, damages):
        size = frame.width, frame.height
        # Timestamps may lack, stand still or run backwards; viewers and animations need them to increase.
        previous = times[-1] if times else -math.inf
        times.append(frame.time if frame.time > previous else previous + 1 / frame.rate if times else 0.0)
    first = damages[0] if damages else ""
    if not times:
        raise VideoError(f"{path}: no frame could be decoded" + (f": {first}" if first else ""))
    damage = f"{len(damages)} frames could not be used, the first: {first}" if len(damages) > 1 else first or None
    return Video(path, tuple(time - times[0] for time in times), *size, damage)


def sample_uniform(n_frames: int, k: int) -> list[int]:
    """Indices of k frames spread evenly: the middles of k equal parts; all frames where there are no more than k.

    Raises:
        ValueError: k is not positive.
    """
    if k < 1:
        raise ValueError("at least one frame must be asked for")
    if n_frames <= k:
        return list(range(n_frames))
    return [int((i + 0.5) * n_frames / k) for i in range(k)]


class _Decoded(NamedTuple):
    time: float
    """Seconds, NaN where unknown."""
    rate: float
    width: int
    height: int
    image: Callable[[], Image8]


def _decode(path: Path, damages: list[str]) -> Iterator[_Decoded]:
    """Frames of one size, one after the other; why others cannot be had is added to `damages`."""
    first: _Decoded | None = None
    for frame in _decode_any(path, damages):
        first = first or frame
        if (frame.width, frame.height) == (first.width, first.height):
            yield frame
        else:
            damages.append(f"{frame.width}x{frame.height}, where the first frame has {first.width}x{first.height}")


def _decode_any(path: Path, damages: list[str]) -> Iterator[_Decoded]:
    try:
        if path.is_dir():
            yield from _images(path, damages)
        elif path.stat().st_size == 0:
            raise VideoError(f"{path}: empty file")
        else:
            yield from _stream(path, damages)
    except FileNotFoundError:
        raise VideoError(f"{path}: no such file or folder") from None
    except PermissionError:
        raise VideoError(f"{path}: permission denied") from None


def _stream(path: Path, damages: list[str]) -> Iterator[_Decoded]:
    try:
        container = av.open(os.fspath(path))
    except av.error.InvalidDataError:
        raise VideoError(f"{path}: not a video, or one that ends before its index") from None
    except av.error.FFmpegError as error:
        raise VideoError(f"{path}: cannot be opened: {error.strerror}") from None
    with container:
        if not container.streams.video or container.format.name in _NOT_VIDEO:
            raise VideoError(f"{path}: holds no video")
        stream = container.streams.video[0]
        context = stream.codec_context
        context.thread_count = 1
        context.options = {"err_detect": "explode"}  # else half a frame is made up where the file ends
        rate = float(stream.average_rate or DEFAULT_RATE)
        for frame in _whole_frames(container, stream, damages):
            time = math.nan if frame.time is None else frame.time
            sides = (frame.height, frame.width) if round(frame.rotation / 90) % 2 else (frame.width, frame.height)
            yield _Decoded(time, rate, *sides, functools.partial(_upright, frame))


def _whole_frames(
    container: av.container.InputContainer, stream: av.VideoStream, damages: list[str]
) -> Iterator[av.VideoFrame]:
    """Decoded frames up to the first damage, and those after it where each stands alone.

    What a decoder still holds at the damage is not asked for: some is sound, some is made up.
    """
    stands_alone = stream.codec_context.codec.intra_only
    count = 0
    packets = container.demux(stream)
    while stands_alone or not damages:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            for frame in packet.decode():
                if frame.is_corrupt:
                    damages.append(f"incomplete picture after frame {count}")
                    break
                yield frame
                count += 1
        except av.error.FFmpegError as error:
            damages.append(f"cannot be decoded after frame {count}: {error.strerror}")


def _upright(frame: av.VideoFrame) -> Image8:
    # Anticlockwise, as numpy turns.
    turned = np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
    return np.ascontiguousarray(turned)


def _images(folder: Path, damages: list[str]) -> Iterator[_Decoded]:
    named = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_EXTENSIONS and path.name[0] != "."]
    if not named:
        raise VideoError(f"{folder}: a folder without images")
    for number, path in enumerate(sorted(named, key=_natural)):
        try:
            image = _read(path)
        except Exception as error:  # plugins raise anything at all on damaged files
            damages.append(f"{path.name}: {type(error).__name__}")
        else:
            height, width = image.shape[:2]
            yield _Decoded(number / DEFAULT_RATE, DEFAULT_RATE, width, height, functools.partial(np.asarray, image))


def _read(path: Path) -> Image8:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large sizes and odd metadata
        with Image.open(path) as image:
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _natural(path: Path) -> list[tuple[int, str]]:
    """Key by which frame2 comes before frame10."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
