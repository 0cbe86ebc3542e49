"""Tracks of heads whose motion is known: neither jumps nor lag."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganfit_core.camera import look_at, project
from ganfit_core.morphable import MorphableModel
from ganfit_core.tracking import Track, jitter, look_from, runs_of, track
from tests.heads import camera

SIZE, FOCAL, FRAMES = 640, 5.0, 60


def identity(model: MorphableModel) -> Tensor:
    return 0.5 * torch.randn(model.n_identity, generator=torch.Generator().manual_seed(1))


def talking(model: MorphableModel) -> tuple[Tensor, Tensor]:
    """Expressions (T, ne) and cameras (T, 10) of somebody who speaks and slowly turns the head."""
    time = torch.arange(FRAMES) / 25
    expression = torch.zeros(FRAMES, model.n_expression)
    expression[:, 0] = torch.sin(2 * math.pi * 1.5 * time)
    expression[:, 3] = 0.8 * torch.cos(2 * math.pi * 0.8 * time)
    return expression, torch.cat([camera(20 * math.sin(1.2 * t), 5 * math.cos(t), FOCAL, 1000) for t in time.tolist()])


def seen(model: MorphableModel, expression: Tensor, cameras: Tensor) -> Tensor:
    vertices = model(identity(model).expand(len(expression), -1), expression)
    return project(model.landmarks(vertices), cameras, SIZE)[..., :2]


def noisy(points: Tensor, pixels: float) -> Tensor:
    return points + pixels * torch.randn(points.shape, generator=torch.Generator().manual_seed(0))


def tracked(model: MorphableModel, points: Tensor, runs: Tensor | None = None) -> Track:
    runs = torch.zeros(len(points), dtype=torch.long) if runs is None else runs
    return track(model, identity(model), FOCAL, points, SIZE, runs)


def mouth(points: Tensor) -> Tensor:
    return (points[:, 66] - points[:, 62]).norm(dim=1)


def test_a_known_motion_is_found(model: MorphableModel) -> None:
    expression, cameras = talking(model)
    points = seen(model, expression, cameras)
    found = tracked(model, points)
    assert found.error.max() < 0.01
    rotation, shift = look_at(cameras)
    turned, moved = look_at(found.camera)
    angle = torch.rad2deg(torch.arccos(((rotation * turned).sum(dim=(1, 2)) - 1).div(2).clamp(-1, 1)))
    assert angle.max() < 1.5
    assert ((moved - shift).norm(dim=1) / shift.norm(dim=1)).max() < 0.01
    assert (found.camera[:, 9] == FOCAL).all()
    # What it returns as landmarks is where its own parameters put them.
    torch.testing.assert_close(found.landmarks, seen(model, found.expression, found.camera), atol=0.01, rtol=0)


def test_noise_is_smoothed_and_the_mouth_is_neither_late_nor_shut(model: MorphableModel) -> None:
    expression, cameras = talking(model)
    truth = seen(model, expression, cameras)
    detected = noisy(truth, 2.0)
    found = tracked(model, detected).landmarks
    runs = np.zeros(FRAMES, np.int64)
    clean, rough, smooth = (jitter(points.numpy(), runs) for points in (truth, detected, found))
    assert clean is not None
    assert rough is not None
    assert smooth is not None
    assert rough > 5 * clean
    assert smooth < clean + 0.15 * (rough - clean)
    assert (found - truth).norm(dim=2).mean() < 0.5 * (detected - truth).norm(dim=2).mean()
    shifted = {
        lag: np.corrcoef(mouth(truth)[5 + lag : -5 + lag or None], mouth(found)[5:-5])[0, 1] for lag in range(-3, 4)
    }
    assert max(shifted, key=shifted.__getitem__) == 0
    assert mouth(found).std() > 0.85 * mouth(truth).std()


def test_landmarks_thrown_off_by_a_hand_do_not_move_the_face(model: MorphableModel) -> None:
    expression, cameras = talking(model)
    truth = seen(model, expression, cameras)
    detected = noisy(truth, 1.0)
    detected[30, 48:60] += torch.tensor([60.0, 40.0])
    found = tracked(model, detected).landmarks
    assert (found[30] - truth[30]).norm(dim=1).mean() < 4
    found_jitter, true_jitter = (
        jitter(points[25:36].numpy(), np.zeros(11, np.int64)) or 0 for points in (found, truth)
    )
    assert 0 < found_jitter < 1.5 * true_jitter


def test_what_lies_beyond_a_gap_has_no_influence(model: MorphableModel) -> None:
    expression, cameras = talking(model)
    points = noisy(seen(model, expression, cameras), 1.5)
    runs = torch.tensor([0] * 30 + [1] * 30)
    both = tracked(model, points, runs)
    moved = points.clone()
    moved[30:] += torch.tensor([40.0, -25.0])
    torch.testing.assert_close(tracked(model, moved, runs).expression[:30], both.expression[:30], atol=0.03, rtol=0)
    joined = tracked(model, moved).expression[28:30] - both.expression[28:30]
    assert joined.abs().max() > 0.1  # the same without the gap: the jump is smoothed over


def test_the_same_noise_is_smoothed_more_where_frames_are_closer_in_time(model: MorphableModel) -> None:
    expression, cameras = talking(model)
    points, runs = noisy(seen(model, expression, cameras), 2.0), torch.zeros(FRAMES, dtype=torch.long)
    arguments = model, identity(model), FOCAL, points, SIZE, runs
    slow, fast = (jitter(track(*arguments, rate=rate).landmarks.numpy(), runs.numpy()) or 0 for rate in (25.0, 100.0))
    assert 0 < fast < 0.8 * slow


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_a_few_frames_are_enough(model: MorphableModel, frames: int) -> None:
    expression, cameras = talking(model)
    assert tracked(model, seen(model, expression, cameras)[:frames]).error.max() < 0.02


def test_look_from_is_the_inverse_of_look_at() -> None:
    rotation, shift = look_at(torch.cat([camera(0), camera(30, 12, 4, 700), camera(-60, -20)]))
    again = look_at(look_from(rotation, shift, 5.0))
    torch.testing.assert_close(again[0], rotation, atol=1e-5, rtol=0)
    torch.testing.assert_close(again[1], shift, atol=1e-2, rtol=0)


def test_runs_end_at_gaps_and_cuts() -> None:
    face = np.random.default_rng(0).uniform(0, 100, (68, 2))
    face[36:42], face[42:48] = (20, 40), (60, 40)
    landmarks = np.stack([face] * 7) + np.arange(7)[:, None, None]
    frames = np.array([3, 4, 5, 8, 9, 10, 11])
    assert runs_of(frames, landmarks).tolist() == [0, 0, 0, 1, 1, 1, 1]
    landmarks[5:] += 30
    assert runs_of(frames, landmarks).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert runs_of(frames[:1], landmarks[:1]).tolist() == [0]


def test_jitter_by_hand() -> None:
    face = np.zeros((68, 2))
    face[42:48] = (50, 0)
    steady = face + np.arange(8)[:, None, None] * np.array([3.0, 2.0])
    runs = np.zeros(8, np.int64)
    assert jitter(steady, runs) == pytest.approx(0, abs=1e-9)
    zigzag = steady + np.array([0, 1] * 4)[:, None, None] * np.array([1.0, 0])
    assert jitter(zigzag, runs) == pytest.approx(100 * 2 / 50)
    assert jitter(zigzag, np.arange(8) // 4) == pytest.approx(100 * 2 / 50)
    assert jitter(zigzag, np.arange(8) // 2) is None
