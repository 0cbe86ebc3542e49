"""Frames are taken that are certain, sharp and seen from many sides."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganfit_core.camera import project
from ganfit_core.frame_choice import FrameQuality, choose, head_pose, openness, sharpness
from ganfit_core.morphable import MorphableModel
from tests.heads import camera

numbers = st.floats(0, 1)
yaws, pitches = st.floats(-60, 60), st.floats(-30, 30)
qualities = st.builds(FrameQuality, score=numbers, sharpness=numbers, yaw=yaws, pitch=pitches, openness=numbers)


def pattern(side: int) -> np.ndarray:
    """A checkerboard of 8 x 8 fields, whatever its size in pixels."""
    fields = np.indices((8, 8)).sum(axis=0) % 2
    return cv2.resize((60 + 120 * fields).astype(np.uint8), (side, side), interpolation=cv2.INTER_NEAREST)[..., None]


def rgb(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey, 3, axis=2)


def test_blur_lowers_sharpness_and_size_and_exposure_hardly_matter() -> None:
    large, small = rgb(pattern(448)), rgb(pattern(224))
    whole = np.array([0, 0, 448, 448])
    sharp = sharpness(large, whole)
    assert sharpness(small, whole / 2) == pytest.approx(sharp, rel=0.1)
    assert sharpness(large // 2, whole) == pytest.approx(sharp, rel=0.02)
    blurs = [sharpness(cv2.GaussianBlur(large, (0, 0), sigma), whole) for sigma in (3, 6, 12)]
    assert sharp > 2 * blurs[0] > 4 * blurs[1] > 8 * blurs[2]


def test_only_the_box_is_judged() -> None:
    image = np.full((300, 300, 3), 90, np.uint8)
    image[100:212, 100:212] = rgb(pattern(112))
    assert sharpness(image, np.array([100, 100, 212, 212])) > 1
    assert sharpness(image, np.array([0, 0, 90, 90])) == 0
    assert sharpness(image, np.array([-50, -50, -10, -10])) == 0


def test_pose_of_rendered_heads(model: MorphableModel) -> None:
    points = model.landmarks(model.mean[None])
    views = torch.cat([camera(0), camera(25), camera(-25), camera(0, 15), camera(10, -12)])
    seen = project(points.expand(len(views), -1, -1), views, 224)[..., :2].numpy()
    pose = head_pose(points[0].numpy(), seen * 3 + 100)
    np.testing.assert_allclose(pose - pose[0], [[0, 0], [25, 0], [-25, 0], [0, 15], [10, -12]], atol=4)


def test_covered_and_blurred_frames_are_left_out_and_the_sides_taken() -> None:
    def frame(yaw: float, score: float = 0.95, sharp: float = 1.0) -> FrameQuality:
        return FrameQuality(score, sharp, yaw, 0, 0.3)

    # 0 to 8: yaw from -20 to 20; 9 to 17: covered by a hand; then two that are moving.
    frames = [frame(yaw) for yaw in range(-20, 21, 5)] + [frame(-60, 0.8)] * 9 + [frame(60, sharp=0.1)] * 2
    frames[4] = frame(0, sharp=2.0)
    assert choose(frames, 1) == [4]
    assert choose(frames, 3) == [0, 4, 8]
    assert choose(frames, 5) == [0, 2, 4, 6, 8]


def test_shut_eyes_are_taken_last() -> None:
    frames = [FrameQuality(0.99, 2, 10 * i, 0, 0.08) for i in range(6)]
    frames += [FrameQuality(0.9, 1, i, 0, 0.3) for i in range(6)]
    assert set(choose(frames, 3)) < set(range(6, 12))
    assert len(set(choose(frames, 8)) & set(range(6, 12))) == 6


def test_openness_of_an_eye_of_known_height() -> None:
    landmarks = np.zeros((68, 2))
    for corner, height in ((36, 6.0), (42, 3.0)):
        landmarks[corner : corner + 6] = [(0, 0), (8, 1), (16, 1), (24, 0), (16, 1 + height), (8, 1 + height)]
    assert openness(landmarks) == pytest.approx((6 / 24 + 3 / 24) / 2)
    assert openness(2 * landmarks[:, ::-1] + 7) == pytest.approx(openness(landmarks))


def test_equal_frames_are_not_taken_twice() -> None:
    assert len(set(choose([FrameQuality(0.9, 1, 0, 0, 0.3)] * 20, 8))) == 8


@given(frames=st.lists(qualities, min_size=1, max_size=40), k=st.integers(1, 12))
def test_as_many_different_frames_as_there_are(frames: list[FrameQuality], k: int) -> None:
    chosen = choose(frames, k)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(k, len(frames))
    assert set(chosen) <= set(range(len(frames)))


def test_no_frames_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="at least one"):
        choose([FrameQuality(0.9, 1, 0, 0, 0.3)], 0)
