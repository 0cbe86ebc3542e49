"""What people look like and do, drawn at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from data.synthetic_micc.head_model import HeadModel
from data.synthetic_micc.script import FACE_WIDTH, draw_expression, draw_person, draw_shot
from data.synthetic_micc.settings import SETTINGS

NAMES = ("jawOpen", "mouthSmile_L", "mouthSmile_R", "browDown_L", "browDown_R", "eyeLookUp_L", "cheekPuff_L")
FRAMES = 40


@pytest.fixture
def head() -> HeadModel:
    """Five points with modes that are never looked at."""
    zeros = np.zeros((6, 5, 3), np.float32)
    points = np.zeros(68, np.int64)
    return HeadModel("ict", "", zeros[0], zeros, np.zeros((7, 5, 3)), NAMES, np.zeros((0, 3), int), points, points)


def pixels(points: np.ndarray, camera: np.ndarray, side: int) -> np.ndarray:
    """Pinhole projection of (N, 3) points by a camera of ten numbers; x right, y down, from the frame's middle."""
    eye, target, up, focal = camera[:3], camera[3:6], camera[6:9], camera[9]
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, up)
    seen = (points - eye) @ np.stack([right / np.linalg.norm(right), np.cross(forward, right), forward]).T
    return focal * side / 2 * seen[:, :2] / seen[:, 2:]


@pytest.mark.parametrize("name", SETTINGS)
def test_turns_are_slow_wide_and_within_bounds(head: HeadModel, name: str) -> None:
    setting = SETTINGS[name]
    shots = [draw_shot(3, person, name, setting, head, FRAMES) for person in range(20)]
    yaw = np.degrees([shot.yaw for shot in shots])
    assert np.abs(yaw).max() <= setting.yaw
    assert np.median(yaw.max(axis=1) - yaw.min(axis=1)) > setting.yaw
    assert np.abs(np.diff(yaw, axis=1)).max() < 0.35 * setting.yaw
    pitch = np.degrees([shot.pitch for shot in shots])
    assert pitch.max() <= setting.pitch + setting.camera_pitch[1]
    assert pitch.min() >= setting.camera_pitch[0] - setting.pitch


@pytest.mark.parametrize("name", SETTINGS)
def test_faces_are_in_the_frame_as_large_as_said(head: HeadModel, name: str) -> None:
    setting = SETTINGS[name]
    side = max(setting.width, setting.height)
    across = np.array([[-FACE_WIDTH / 2, 0, 0], [FACE_WIDTH / 2, 0, 0], [0, 0, 0]])
    widths = []
    for person in range(20):
        shot = draw_shot(3, person, name, setting, head, FRAMES)
        for camera, light in zip(shot.camera, shot.light, strict=True):
            left, right, middle = pixels(across, camera, side)
            assert (np.abs(middle) < [setting.width / 2, setting.height / 2]).all()
            widths.append(np.linalg.norm(right - left))
            # The light is on the camera's side of the head.
            assert camera[:3] @ light[:3] > 0
    # Seen from the side a face is narrower, at most by the cosine of the turn.
    assert np.mean(widths) == pytest.approx(setting.face_width, rel=0.2)


def test_yaw_pitch_and_roll_have_the_signs_they_are_said_to_have(head: HeadModel) -> None:
    still = replace(SETTINGS["cooperative"], yaw=0.0, pitch=0.0, camera_pitch=(0.0, 0.0))
    nose, crown = np.array([[0.0, 0, 100]]), np.array([[0.0, 100, 0]])
    left = draw_shot(3, 1, "a", replace(still, yaw=30.0), head, FRAMES)
    nodding = draw_shot(3, 1, "a", replace(still, camera_pitch=(20.0, 20.0)), head, FRAMES)
    for shot in (left, nodding):
        for yaw, pitch, roll, camera in zip(shot.yaw, shot.pitch, shot.roll, shot.camera, strict=True):
            middle = pixels(np.zeros((1, 3)), camera, 640)
            tip, top = pixels(nose, camera, 640) - middle, pixels(crown, camera, 640) - middle
            if shot is left and abs(yaw) > 0.15:
                assert np.sign(tip[0, 0]) == np.sign(yaw)  # to the subject's left is to the image's right
            if shot is nodding:
                assert pitch == pytest.approx(np.radians(20))
                assert tip[0, 1] > 0
            if abs(roll) > 0.05:
                assert np.sign(top[0, 0]) == -np.sign(roll)  # to the subject's right is to the image's left


def test_expressions_are_mild_and_those_of_a_face_in_talk(head: HeadModel) -> None:
    shown = np.concatenate(
        [draw_shot(0, person, "x", SETTINGS["indoor"], head, FRAMES).expression for person in range(30)]
    )
    assert shown.min() >= 0
    assert shown.max() <= 0.6
    assert (shown[:, :5].max(axis=0) > 0.2).all()
    assert not shown[:, 5:].any()  # nobody looks up with one eye, or puffs one cheek
    np.testing.assert_array_equal(shown[:, 1], shown[:, 2])
    resting = np.array([draw_expression(head, np.random.default_rng(seed)) for seed in range(500)])
    assert np.sqrt((resting[:, :5] ** 2).mean()) == pytest.approx(0.1, rel=0.1)
    signed = replace(head, expression_names=())
    resting = np.array([draw_expression(signed, np.random.default_rng(seed)) for seed in range(500)])
    assert abs(resting.mean()) < 0.01
    assert resting.std() == pytest.approx(0.1, rel=0.1)


def test_a_person_depends_on_the_seed_and_the_number_alone(head: HeadModel) -> None:
    one, same, other, elsewhere = (
        draw_person(seed, number, head, 16) for seed, number in ((0, 1), (0, 1), (0, 2), (1, 1))
    )
    np.testing.assert_array_equal(one.identity, same.identity)
    np.testing.assert_array_equal(one.texture, same.texture)
    for different in (other, elsewhere):
        assert np.abs(one.identity - different.identity).max() > 0.1
    everybody = np.array([draw_person(0, number, head, 16).identity for number in range(400)])
    assert everybody.std() == pytest.approx(1, rel=0.05)
    assert np.abs(everybody).max() <= 2.5
