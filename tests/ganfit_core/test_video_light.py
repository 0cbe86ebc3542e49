"""Lamps of known colour over time."""

from __future__ import annotations

import torch
from torch import Tensor

from ganfit_core.camera import look_at
from ganfit_core.morphable import MorphableModel
from ganfit_core.video_light import LightEvidence, lamp_at, lamp_of, light_evidence, solve_light, unit_light
from tests.heads import camera, renderer, smooth_texture

FRAMES = 6
LAMP = torch.tensor([250.0, -200.0, 100.0])
"""Beside and above the camera."""
USUAL = torch.full((6,), 0.5)
ONE_RUN = torch.zeros(FRAMES, dtype=torch.long)


def cameras() -> Tensor:
    return torch.cat([camera(8.0 * t - 20) for t in range(FRAMES)])


def evidence(model: MorphableModel, truth: Tensor, noise: float = 0.0) -> LightEvidence:
    """Of renderings of a turning head under these colours and ambient lights."""
    render = renderer(model, 96)
    vertices, texture = model.mean.expand(FRAMES, -1, -1), smooth_texture(3, batch=1).expand(FRAMES, -1, -1, -1)
    position = lamp_at(LAMP, cameras())
    photo = render(vertices, texture, cameras(), torch.cat([position, truth], dim=1))
    lit = render(vertices, texture, cameras(), unit_light(position))
    offset = noise * torch.randn(FRAMES, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    return light_evidence(photo.image + offset * photo.mask, lit.image, lit.albedo, photo.mask)


def test_a_lamp_before_the_camera_turns_about_the_head(model: MorphableModel) -> None:
    position = lamp_at(LAMP, cameras())
    assert (position - position[0]).norm(dim=1).max() > 50
    torch.testing.assert_close(lamp_of(position, cameras()), LAMP, atol=0.01, rtol=0)
    assert float((look_at(cameras())[0][0] @ position[0] + look_at(cameras())[1][0] - LAMP).norm()) < 0.01
    spoilt = position.clone()
    spoilt[2] += 500
    torch.testing.assert_close(lamp_of(spoilt, cameras()), LAMP, atol=0.01, rtol=0)


def test_colour_and_ambient_are_found(model: MorphableModel) -> None:
    truth = torch.tensor([0.8, 0.6, 0.3, 0.2, 0.3, 0.4]).repeat(FRAMES, 1)
    found = solve_light(lamp_at(LAMP, cameras()), evidence(model, truth), USUAL, ONE_RUN)
    torch.testing.assert_close(found[:, 3:], truth, atol=0.03, rtol=0)
    torch.testing.assert_close(found[:, :3], lamp_at(LAMP, cameras()))


def test_flicker_of_the_estimate_is_smoothed_within_a_run_only(model: MorphableModel) -> None:
    truth = torch.tensor([0.8, 0.6, 0.3, 0.2, 0.3, 0.4]).repeat(FRAMES, 1)
    spoilt = evidence(model, truth, noise=0.03)
    smooth = solve_light(lamp_at(LAMP, cameras()), spoilt, USUAL, ONE_RUN)[:, 3:]
    alone = solve_light(lamp_at(LAMP, cameras()), spoilt, USUAL, torch.arange(FRAMES))[:, 3:]
    assert smooth.diff(n=2, dim=0).square().mean() < 0.1 * alone.diff(n=2, dim=0).square().mean()
    assert (smooth - truth).square().mean() < (alone - truth).square().mean()


def test_without_a_pixel_the_usual_light_is_kept() -> None:
    nothing = LightEvidence(torch.zeros(2, 3, 2, 2), torch.zeros(2, 3, 2))
    found = solve_light(torch.zeros(2, 3), nothing, USUAL, torch.tensor([0, 1]))
    torch.testing.assert_close(found[:, 3:], USUAL.expand(2, -1))
