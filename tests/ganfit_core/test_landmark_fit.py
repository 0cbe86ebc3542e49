"""The first camera in closed form, and the fit to landmarks alone, on landmarks of known heads."""

import math
import random

import pytest
import torch
from torch import Tensor

from ganfit_core.camera import look_at, project
from ganfit_core.landmark_fit import fit_landmarks, landmark_loss, relative_landmark_error, shape_prior
from ganfit_core.morphable import MorphableModel
from ganfit_core.pose import START_DISTANCE, camera_from_landmarks
from tests.heads import camera

SIZE = 224
VIEWS = torch.cat([camera(0), camera(20, 8, 5.5), camera(-30, -10, 4.5, 700)])


def rolled(cameras: Tensor, degrees: float) -> Tensor:
    """Cameras turned about their viewing axis."""
    rotation, _ = look_at(cameras)
    angle = math.radians(degrees)
    up = -rotation[:, 1] * math.cos(angle) + rotation[:, 0] * math.sin(angle)
    return torch.cat([cameras[:, :6], up, cameras[:, 9:]], dim=1)


def mean_points(model: MorphableModel, batch: int) -> Tensor:
    return model.landmarks(model.mean.expand(batch, -1, -1))


def truth(model: MorphableModel) -> tuple[Tensor, Tensor]:
    """Vertices (3, V, 3) of three people with expressions, and their landmarks (3, 68, 2) in VIEWS."""
    generator = torch.Generator().manual_seed(0)
    identity = torch.randn(3, model.n_identity, generator=generator)
    expression = 0.5 * torch.randn(3, model.n_expression, generator=generator)
    vertices = model(identity, expression)
    return vertices, project(model.landmarks(vertices), VIEWS, SIZE)[..., :2]


@pytest.mark.parametrize("roll", [0.0, 25.0, -80.0])
def test_first_camera_recovers_a_distant_view(model: MorphableModel, roll: float) -> None:
    """From 100 m away perspective vanishes, and the scaled orthographic solution is exact."""
    far = rolled(torch.cat([camera(yaw, 10, 550, 1e5) for yaw in (-50, 0, 35)]), roll)
    points = mean_points(model, 3)
    landmarks = project(points, far, SIZE)[..., :2]
    found = camera_from_landmarks(points, landmarks, SIZE)
    torch.testing.assert_close(look_at(found)[0], look_at(far)[0], atol=2e-3, rtol=0)
    torch.testing.assert_close(found[:, 9] / START_DISTANCE, far[:, 9] / 1e5, rtol=5e-3, atol=0)


def test_first_camera_is_a_portrait_s(model: MorphableModel) -> None:
    points = mean_points(model, 3)
    found = camera_from_landmarks(points, project(points, VIEWS, SIZE)[..., :2], SIZE)
    assert found.shape == (3, 10)
    torch.testing.assert_close((found[:, :3] - found[:, 3:6]).norm(dim=1), torch.full((3,), START_DISTANCE))
    torch.testing.assert_close(found[:, 6:9].norm(dim=1), torch.ones(3))
    assert (found[:, 9] > 0).all()
    error = relative_landmark_error(project(points, found, SIZE)[..., :2], project(points, VIEWS, SIZE)[..., :2])
    assert error.max() < 0.06


def test_first_camera_follows_a_shift_of_the_face(model: MorphableModel) -> None:
    points = mean_points(model, 1)
    landmarks = project(points, camera(15), SIZE)[..., :2]
    one = camera_from_landmarks(points, landmarks, SIZE)
    other = camera_from_landmarks(points, landmarks + torch.tensor([20.0, -12.0]), SIZE)
    torch.testing.assert_close(look_at(one)[0], look_at(other)[0], atol=1e-4, rtol=0)
    moved = project(points, other, SIZE)[..., :2] - project(points, one, SIZE)[..., :2]
    torch.testing.assert_close(moved.mean(dim=1)[0], torch.tensor([20.0, -12.0]), atol=0.5, rtol=0)


def test_first_camera_is_the_same_to_the_last_bit_every_time(model: MorphableModel) -> None:
    """What differs here by rounding, the steps of Adam blow up until the same seed gives another face."""
    points = mean_points(model, 1)
    landmarks = project(points, camera(12, 4), SIZE)[..., :2]
    generator = random.Random(0)
    memory, found = [], set()
    for _ in range(500):
        found.add(tuple(camera_from_landmarks(points, landmarks, SIZE)[0].tolist()))
        memory.append(bytearray(generator.randint(1, 20_000)))  # so that buffers come to lie elsewhere
    assert len(found) == 1


def test_fit_recovers_landmarks_and_view(model: MorphableModel) -> None:
    _, landmarks = truth(model)
    fit = fit_landmarks(model, landmarks, SIZE)
    assert fit.error.max() < 0.01
    vertices = model(fit.identity, fit.expression)
    projected = project(model.landmarks(vertices), fit.camera, SIZE)[..., :2]
    torch.testing.assert_close(fit.error, relative_landmark_error(projected, landmarks), atol=1e-5, rtol=1e-3)
    # Seen from (nearly) the same side.
    forward = [look_at(cameras)[0][:, 2] for cameras in (fit.camera, VIEWS)]
    cosine = (forward[0] * forward[1]).sum(dim=1)
    assert cosine.min() > math.cos(math.radians(10))
    # The prior keeps the coefficients those of plausible people.
    assert fit.identity.abs().max() < 4
    assert not any(part.requires_grad for part in fit)


def test_shape_fits_better_than_pose_alone(model: MorphableModel) -> None:
    _, landmarks = truth(model)
    points = mean_points(model, 3)
    first = camera_from_landmarks(points, landmarks, SIZE)
    before = relative_landmark_error(project(points, first, SIZE)[..., :2], landmarks)
    after = fit_landmarks(model, landmarks, SIZE, iterations=60).error
    assert (after < 0.5 * before).all()


def test_batch_equals_singles(model: MorphableModel) -> None:
    _, landmarks = truth(model)
    together = fit_landmarks(model, landmarks, SIZE, iterations=30)
    for row in range(3):
        alone = fit_landmarks(model, landmarks[row : row + 1], SIZE, iterations=30)
        for one, all_of_them in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], all_of_them[row], atol=5e-3, rtol=1e-3)


def test_fit_does_not_depend_on_the_photo_s_resolution(model: MorphableModel) -> None:
    _, landmarks = truth(model)
    small = fit_landmarks(model, landmarks, SIZE, iterations=30)
    large = fit_landmarks(model, 4 * landmarks, 4 * SIZE, iterations=30)
    for one, other in zip(small, large, strict=True):
        torch.testing.assert_close(one, other, atol=5e-3, rtol=1e-3)


def test_strong_prior_keeps_the_mean(model: MorphableModel) -> None:
    _, landmarks = truth(model)
    weak = fit_landmarks(model, landmarks, SIZE, iterations=40)
    strong = fit_landmarks(model, landmarks, SIZE, iterations=40, prior_weight=1e4)
    assert strong.identity.abs().max() < 0.1
    assert (strong.error > weak.error).all()


def test_losses_in_closed_form() -> None:
    detected = torch.rand(2, 68, 2, generator=torch.Generator().manual_seed(0)) * 100
    detected[:, 36:42], detected[:, 42:48] = torch.tensor([30.0, 40.0]), torch.tensor([80.0, 40.0])
    projected = detected + torch.tensor([3.0, 4.0])
    torch.testing.assert_close(relative_landmark_error(projected, detected), torch.full((2,), 5 / 50))
    # 3 and 4 of 100 pixels are 30 and 40 thousandths of the side.
    torch.testing.assert_close(landmark_loss(projected, detected, 100), torch.full((2,), 2500.0))
    assert not landmark_loss(detected, detected, 100).any()
    prior = shape_prior(torch.full((2, 3), 2.0), torch.zeros(2, 1))
    torch.testing.assert_close(prior, torch.full((2,), 3.0))
