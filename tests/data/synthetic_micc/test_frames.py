"""Frames of a poor camera."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from data.synthetic_micc.frames import background, filmed, jpeg, pasted, with_shoulders
from data.synthetic_micc.settings import SETTINGS


def test_a_background_is_smooth_and_not_plain() -> None:
    setting = SETTINGS["cooperative"]
    wall = background(setting, np.random.default_rng(0))
    assert wall.shape == (480, 640, 3)
    assert wall.std(axis=(0, 1)).min() > 0.03
    assert np.abs(np.diff(wall, axis=1)).max() < 0.02


def test_a_picture_is_pasted_where_it_belongs_and_cut_at_the_frame() -> None:
    scene = np.zeros((40, 60, 3))
    image, coverage = np.full((20, 20, 3), 0.25), np.full((20, 20, 1), 0.5)
    inside = pasted(scene + 1, image, coverage, 30, 10)
    assert inside[10:30, 30:50].min() == inside[10:30, 30:50].max() == 0.75
    assert inside.sum() == pytest.approx(3 * (40 * 60 - 400 * 0.25))
    assert pasted(scene, image, coverage, -15, -5)[:15, :5].min() == 0.25
    assert pasted(scene, image, coverage, -15, -5).sum() == pytest.approx(0.25 * 3 * 15 * 5)
    assert pasted(scene, image, coverage, 55, 35).sum() == pytest.approx(0.25 * 3 * 5 * 5)
    for left, top in ((60, 0), (0, 40), (-20, 0), (0, -20)):
        assert pasted(scene, image, coverage, left, top).sum() == 0


def test_shoulders_are_as_wide_as_people_and_reach_the_bottom() -> None:
    scene = with_shoulders(np.zeros((400, 600, 3)), (300.0, 150.0), 0.5, (0.2, 0.4, 0.8))
    assert not scene[:145].any()
    np.testing.assert_allclose(scene[-1, 300], [0.2, 0.4, 0.8], atol=1e-6)
    assert (scene[-1, :, 0] > 0.1).sum() == pytest.approx(2 * 210 * 0.5, abs=3)


def test_the_camera_blurs_and_its_noise_is_as_strong_as_said() -> None:
    scene = np.full((200, 300, 3), 0.5)
    frame = filmed(scene, 0.8, 4.0, np.random.default_rng(0)).astype(float)
    assert frame.mean() == pytest.approx(127.5, abs=0.2)
    assert frame.std() == pytest.approx(4, rel=0.05)
    scene[:, 150:] = 0
    row = filmed(scene, 2.0, 0.0, np.random.default_rng(0))[100, :, 0].astype(float)
    # The slope of an edge of height h under a Gaussian blur is h / (sigma sqrt(2 pi)).
    assert np.abs(np.diff(row)).max() == pytest.approx(127.5 / (2 * np.sqrt(2 * np.pi)), rel=0.05)


def test_a_frame_is_a_jpeg_in_the_right_colours() -> None:
    frame = np.zeros((48, 64, 3), np.uint8)
    frame[..., 0] = 200
    encoded = jpeg(frame, 90)
    assert (encoded[:2], encoded[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    decoded = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_allclose(decoded[..., ::-1], frame, atol=4)
