"""Squares around a head show what the large image shows there."""

from __future__ import annotations

import numpy as np
import torch

from ganfit_core.camera import look_at, project
from ganfit_core.close_up import close_ups
from ganfit_core.morphable import MorphableModel
from ganfit_core.tracking import look_from
from tests.heads import AMBIENT, camera, renderer, smooth_texture

CENTRE = torch.tensor([0.0, -30.0, 60.0])


def aside() -> torch.Tensor:
    """Cameras that see the head at the image's left and at its top right, rolled."""
    rotation, shift = look_at(torch.cat([camera(20, 5, 4.0, 1100)] * 2))
    a = torch.tensor(0.3)
    roll = torch.tensor([[a.cos(), -a.sin(), 0], [a.sin(), a.cos(), 0], [0, 0, 1]])
    rotation = torch.stack([rotation[0], roll @ rotation[1]])
    return look_from(rotation, shift + torch.tensor([[-120.0, 30.0, 0.0], [140.0, -80.0, 50.0]]), 4.0)


def test_points_of_the_image_are_found_in_the_square(model: MorphableModel) -> None:
    cameras = aside()
    points = model.landmarks(model.mean[None]).expand(2, -1, -1)
    views = close_ups(cameras, CENTRE, 140.0)
    large = project(points, cameras, 2)[..., :2].double().numpy() - 1
    mapped = np.concatenate([large, np.ones((2, 68, 1))], axis=2) @ views.homography.transpose(0, 2, 1)
    small = project(points, views.camera, 2)[..., :2].double().numpy() - 1
    np.testing.assert_allclose(mapped[..., :2] / mapped[..., 2:], small, atol=1e-4)


def test_the_ball_touches_the_border() -> None:
    views = close_ups(aside(), CENTRE, 100.0)
    directions = torch.nn.functional.normalize(torch.randn(20000, 3, generator=torch.Generator().manual_seed(0)), dim=1)
    ball = project((CENTRE + 100 * directions).expand(2, -1, -1), views.camera, 2)[..., :2] - 1
    np.testing.assert_allclose(ball.abs().amax(dim=1).numpy(), 1, atol=0.01)


def test_a_rendered_square_lies_where_a_rendering_of_the_whole_image_has_the_head(model: MorphableModel) -> None:
    cameras, texture = aside(), smooth_texture(0, batch=2)
    vertices = model.mean.expand(2, -1, -1)
    whole = renderer(model, 320)(vertices, texture, cameras, AMBIENT.expand(2, -1)).image
    views = close_ups(cameras, CENTRE, 140.0)
    close = renderer(model, 160)(vertices, texture, views.camera, AMBIENT.expand(2, -1)).image
    for row in range(2):
        large, small = (image[row].permute(1, 2, 0).numpy() for image in (whole, close))
        laid = views.image(row, small, (320, 320))
        covered = (laid.min(axis=2) > 0.1) & (large.min(axis=2) > 0.1)
        assert covered.sum() > 0.8 * (laid.min(axis=2) > 0.1).sum() > 2000
        assert np.abs(laid - large)[covered].mean() < 0.01
        # A frame that is less tall than wide is the middle of its square.
        np.testing.assert_allclose(views.image(row, small, (200, 320)), laid[60:260], atol=1e-3)
        assert np.abs(views.square(row, laid, 160) - small)[20:140, 20:140].mean() < 0.02
