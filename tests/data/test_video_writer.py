"""What is written can be read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

import data.video_writer
from data.video import open_video
from data.video_writer import write_video
from tests.data.test_video import number_of, picture


@pytest.mark.parametrize(("encoder", "codec"), [(True, "h264"), (False, "mpeg4")])
def test_frames_and_rate_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoder: bool, codec: str) -> None:
    if not encoder:
        monkeypatch.setattr(data.video_writer, "_has", lambda name: False)
    path = tmp_path / "new" / "a.mp4"
    write_video(path, (picture(number) for number in range(10)), 24000 / 1001)
    video = open_video(path)
    assert [number_of(frame.image) for frame in video.frames()] == list(range(10))
    assert video.rate == pytest.approx(24000 / 1001, rel=1e-3)
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == codec
    (first,) = video.frames([0])
    # Colour is stored at half the resolution; brightness is not.
    assert np.abs(first.image.mean(axis=2) - picture(0).mean(axis=2)).mean() < 6


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def breaking() -> Iterator[np.ndarray]:
        yield picture(0)
        raise RuntimeError("lost")

    with pytest.raises(RuntimeError, match="lost"):
        write_video(tmp_path / "a.mp4", breaking(), 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("images", "reason"),
    [
        ([], "at least one"),
        ([np.zeros((31, 32, 3), np.uint8)], "even"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((34, 32, 3), np.uint8)], "one size"),
    ],
)
def test_what_cannot_be_a_video_is_refused(tmp_path: Path, images: list[np.ndarray], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        write_video(tmp_path / "a.mp4", images, 25)
