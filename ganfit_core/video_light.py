"""The light of every frame of a video: one lamp that stands still, its colour and the ambient light by least squares.

Phong shading is linear in both. The lamp stands still before the camera, so that shadows stay as the head turns.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ganfit_core.camera import look_at
from ganfit_core.parameters import LIGHT_SCALE
from ganfit_core.smoothing import solve_smooth

_NOISE, _INDEPENDENT = 0.05, 50
"""Standard deviation of a pixel that no light explains, and how many of a face's pixels err independently."""
_SECOND_DIFFERENCE = 0.005
"""Standard deviation of the light's second differences from frame to frame."""
_DARKEST = 0.02


class LightEvidence(NamedTuple):
    """What frames say of colour and ambient light, channel by channel: the weighted means of products."""

    gram: Float[Tensor, "t 3 2 2"]
    right: Float[Tensor, "t 3 2"]


def lamp_of(position: Float[Tensor, "k 3"], camera: Float[Tensor, "k 10"]) -> Float[Tensor, " 3"]:
    """The one lamp, mm in the camera's frame, that k frames' lamps (model frame) and cameras suggest: their median."""
    rotation, shift = look_at(camera)
    return ((rotation @ position[..., None])[..., 0] + shift).median(dim=0).values


def lamp_at(lamp: Float[Tensor, " 3"], camera: Float[Tensor, "t 10"]) -> Float[Tensor, "t 3"]:
    """Where a lamp of the camera's frame is in the model frame."""
    rotation, shift = look_at(camera)
    return (rotation.mT @ (lamp - shift)[..., None])[..., 0]


def unit_light(position: Float[Tensor, "t 3"]) -> Float[Tensor, "t 9"]:
    """p_l of white lamps without ambient light: under it the image is what the lamp's colour multiplies."""
    return torch.cat([position, torch.ones_like(position), torch.zeros_like(position)], dim=1)


def light_evidence(
    photo: Float[Tensor, "t 3 s s"],
    lit: Float[Tensor, "t 3 s s"],
    albedo: Float[Tensor, "t 3 s s"],
    weight: Float[Tensor, "t 1 s s"],
) -> LightEvidence:
    """Of photographs, the rendering under `unit_light`, and its texture unlit; `weight` says which pixels count."""
    parts = torch.stack([lit, albedo], dim=2).flatten(3)
    weighted = parts * (weight / weight.sum(dim=(2, 3), keepdim=True).clamp_min(1.0)).flatten(2)[:, :, None]
    return LightEvidence(weighted @ parts.mT, (weighted @ photo.flatten(2)[..., None])[..., 0])


def solve_light(
    position: Float[Tensor, "t 3"], evidence: LightEvidence, usual: Float[Tensor, " 6"], runs: Int64[Tensor, " t"]
) -> Float[Tensor, "t 9"]:
    """p_l of every frame: least squares, drawn weakly to `usual` (colour, ambient) and smooth over time within runs."""
    frames, precision = len(position), _INDEPENDENT / _NOISE**2
    prior = position.new_tensor(LIGHT_SCALE[3:]).double() ** -2
    information = torch.diag(prior).repeat(frames, 1, 1)
    for channel in range(3):
        index = torch.tensor([channel, channel + 3])
        information[:, index[:, None], index] += precision * evidence.gram[:, channel].double()
    right = prior * usual.double() + precision * evidence.right.double().mT.flatten(1)
    stiffness = torch.full((6,), _SECOND_DIFFERENCE**-2, dtype=torch.float64)
    found = solve_smooth(information, right, stiffness, runs).clamp_min(_DARKEST)
    return torch.cat([position, found.to(position)], dim=1)
