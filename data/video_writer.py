"""Writing videos that every player shows: H.264 in MP4, or MPEG-4 where PyAV was built without libx264."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from jaxtyping import UInt8

_QUALITY = "20"
"""Constant rate factor of libx264: 18 cannot be told from the source, 23 is its default."""
_LARGEST_DENOMINATOR = 1001
"""Of frame rates: 24000/1001 and its like."""


def write_video(path: Path, images: Iterable[UInt8[np.ndarray, "h w 3"]], rate: float) -> None:
    """Write RGB images of one size, with even sides, at a constant rate (frames per second).

    The file is there whole or not at all.

    Raises:
        ValueError: there are no images, or their sides are odd or change.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex}.{path.name}")
    try:
        _encode(temporary, images, Fraction(rate).limit_denominator(_LARGEST_DENOMINATOR))
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _encode(path: Path, images: Iterable[UInt8[np.ndarray, "h w 3"]], rate: Fraction) -> None:
    stream: av.VideoStream | None = None
    with av.open(os.fspath(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        for image in images:
            height, width = image.shape[:2]
            stream = stream or _add_stream(container, width, height, rate)
            if (stream.width, stream.height) != (width, height):
                raise ValueError(f"images of one video must have one size, not {width}x{height} after others")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        if stream is None:
            raise ValueError("a video needs at least one image")
        container.mux(stream.encode())


def _add_stream(container: av.container.OutputContainer, width: int, height: int, rate: Fraction) -> av.VideoStream:
    if height % 2 or width % 2:
        raise ValueError(f"sides of a video must be even, not {width}x{height}")
    if _has("libx264"):
        stream = container.add_stream("libx264", rate=rate, options={"crf": _QUALITY})
    else:
        stream = container.add_stream("mpeg4", rate=rate, options={"qscale": "3"})
    stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
    stream.codec_context.thread_count = 1
    return stream


def _has(encoder: str) -> bool:
    try:
        return av.codec.Codec(encoder, "w").is_encoder
    except av.codec.codec.UnknownCodecError:
        return False
