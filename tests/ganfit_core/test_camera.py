"""The look-at camera's conventions, and its behaviour where the projection is singular."""

import pytest
import torch

from ganfit_core.camera import look_at, project

FRONTAL = torch.tensor([[0.0, 0, 500, 0, 0, 0, 0, 1, 0, 4.0]])


def test_frontal_camera_shows_left_of_subject_on_the_right_and_up_at_the_top() -> None:
    points = torch.tensor([[[0.0, 0, 0], [50, 0, 0], [0, 50, 0], [0, 0, 100]]])
    expected = torch.tensor([[[100.0, 100, 500], [140, 100, 500], [100, 60, 500], [100, 100, 400]]])
    torch.testing.assert_close(project(points, FRONTAL, 200), expected)


def test_rotation_is_proper_and_maps_eye_to_origin_and_target_to_the_axis() -> None:
    camera = torch.randn(16, 10, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rotation, translation = look_at(camera)
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3, dtype=torch.float64).expand(16, 3, 3))
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(16, dtype=torch.float64))
    eye, target = ((rotation @ camera[:, i : i + 3, None]).squeeze(-1) + translation for i in (0, 3))
    torch.testing.assert_close(eye, torch.zeros_like(eye), atol=1e-12, rtol=0)
    distance = (camera[:, 0:3] - camera[:, 3:6]).norm(dim=1)
    torch.testing.assert_close(target, torch.stack([0 * distance, 0 * distance, distance], 1), atol=1e-12, rtol=0)
    # "Up" is up on the image: towards negative y.
    assert ((rotation @ camera[:, 6:9, None])[:, 1, 0] < 0).all()


def test_projection_is_linear_in_focal_and_scales_with_size() -> None:
    points = torch.randn(1, 20, 3, generator=torch.Generator().manual_seed(1)) * 80
    narrow = FRONTAL.clone()
    narrow[:, 9] *= 2
    wide_xy, narrow_xy = (
        project(points, FRONTAL, 100)[..., :2] - 50,
        project(points, narrow, 100)[..., :2] - 50,
    )
    torch.testing.assert_close(narrow_xy, 2 * wide_xy)
    torch.testing.assert_close(project(points, FRONTAL, 300)[..., :2], 3 * project(points, FRONTAL, 100)[..., :2])


@pytest.mark.parametrize("z", [499.9, 500.0, 500.1, 900.0])
def test_points_at_and_behind_the_camera_stay_finite(z: float) -> None:
    points = torch.tensor([[[10.0, 20, z], [0, 0, z]]], requires_grad=True)
    camera = FRONTAL.clone().requires_grad_()
    screen = project(points, camera, 64)
    torch.testing.assert_close(screen[0, :, 2], torch.full((2,), 500 - z), atol=1e-3, rtol=0)
    gradients = torch.autograd.grad(screen.sum(), [points, camera])
    assert screen.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)


def test_gradients() -> None:
    generator = torch.Generator().manual_seed(2)
    points = (40 * torch.randn(2, 3, 3, generator=generator, dtype=torch.float64)).requires_grad_()
    camera = FRONTAL.double().repeat(2, 1) + torch.rand(2, 10, generator=generator, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda p, c: project(p, c, 64), (points, camera.requires_grad_()))
