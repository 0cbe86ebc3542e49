"""The parameters of a fit, and the scales at which they are optimised.

Adam moves every number by about its learning rate, so the optimiser works on dimensionless numbers: coefficients
already in standard deviations, and camera and light in multiples of how far they typically move.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from ganfit_core.landmark_fit import CAMERA_SCALE
from ganfit_core.people import People
from ganfit_core.renderer import Rendering

# A lamp up and in front of the face, with half of the light ambient.
LIGHT_MEAN = (0.0, 250.0, 900.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5)
LIGHT_SCALE = (400.0, 300.0, 300.0, 0.25, 0.25, 0.25, 0.25, 0.25, 0.25)
# Cameras around a portrait: eye (mm), target (mm), up, focal; mean and standard deviation over landmark fits of 200
# photographs of LFW outside the held-out fold, the mean made symmetric.
CAMERA_MEAN = (0.0, -35.0, 976.0, 0.0, -26.0, 81.0, 0.0, 0.98, 0.06, 8.93)
CAMERA_SIGMA = (179.0, 124.0, 32.0, 2.7, 2.0, 1.9, 0.03, 0.03, 0.19, 0.22)
# "we sample expression parameters from a normal distribution N(0, 0.5)" (Fast-GANFIT, Section 3.2).
EXPRESSION_SIGMA = 0.5


class Parameters(NamedTuple):
    """p = [p_s, p_e, p_t, p_c, p_l] of a batch, in the units the model and the renderer take."""

    identity: Float[Tensor, "b ns"]
    """p_s, standard deviations."""
    expression: Float[Tensor, "b ne"]
    """p_e, standard deviations."""
    texture: Float[Tensor, "b nt"]
    """p_t, the texture model's latent."""
    camera: Float[Tensor, "b 10"]
    """p_c."""
    light: Float[Tensor, "b 9"]
    """p_l."""

    def shared(self, people: People) -> Parameters:
        """Identity and texture of every photograph averaged over those of the same person (Fast-GANFIT, Eq. 14)."""
        return self._replace(identity=people.mean(self.identity), texture=people.mean(self.texture))


class Leaves:
    """The same parameters as the optimiser sees them: one row of comparable numbers per image.

    Attributes:
        numbers: (B, D) leaf: p_s, p_e and p_t as they are, the camera in CAMERA_SCALE from where it started, the light
            in LIGHT_SCALE from LIGHT_MEAN.
    """

    def __init__(self, start: Parameters) -> None:
        self._widths = [part.shape[1] for part in start]
        self._origin = torch.zeros_like(torch.cat(start, dim=1))
        self._unit = torch.ones_like(self._origin[0])
        *_, camera, light = self._origin.split(self._widths, dim=1)
        camera += start.camera
        light += light.new_tensor(LIGHT_MEAN)
        *_, camera, light = self._unit.split(self._widths)
        camera *= camera.new_tensor(CAMERA_SCALE)
        light *= light.new_tensor(LIGHT_SCALE)
        self.numbers = ((torch.cat(start, dim=1) - self._origin) / self._unit).detach().requires_grad_()

    def rates(self, learning_rate: float, texture_learning_rate: float) -> Float[Tensor, " d"]:
        """Learning rate of each number, the texture's apart."""
        rates = torch.full_like(self._unit, learning_rate)
        rates.split(self._widths)[Parameters._fields.index("texture")].fill_(texture_learning_rate)
        return rates

    @torch.no_grad()
    def share(self, people: People, rows: Int64[Tensor, " n"]) -> None:
        """Average identity and texture over the photographs of each person (Fast-GANFIT, Eq. 14).

        `rows` holds all photographs of some persons; those of the others stay as they are.
        """
        for part, columns in zip(Parameters._fields, self.numbers.split(self._widths, dim=1), strict=True):
            if part in ("identity", "texture"):
                columns[rows] = people.mean(columns[rows], rows)

    def rows(self, index: Tensor) -> Parameters:
        """The parameters of some images of the batch, differentiable in the numbers."""
        values = self._origin[index] + self._unit * self.numbers[index]
        return Parameters(*values.split(self._widths, dim=1))


def random_view(like: Parameters, generator: torch.Generator) -> Parameters:
    """The same identity and texture under a random expression, camera and light (Fast-GANFIT, Eq. 8).

    One view is drawn for the whole batch, so that a fit does not depend on who else is in it.
    """

    def gaussian(mean: tuple[float, ...], sigma: tuple[float, ...]) -> Tensor:
        noise = torch.randn(1, len(mean), generator=generator).to(like.camera)
        return (noise.new_tensor(mean) + noise.new_tensor(sigma) * noise).repeat(len(like.camera), 1)

    n_expression = like.expression.shape[1]
    expression = gaussian((0.0,) * n_expression, (EXPRESSION_SIGMA,) * n_expression)
    light = gaussian(LIGHT_MEAN, LIGHT_SCALE)
    light[:, 3:] = light[:, 3:].clamp_min(0.15)
    return Parameters(like.identity, expression, like.texture, gaussian(CAMERA_MEAN, CAMERA_SIGMA), light)


def light_from_photo(
    photo: Float[Tensor, "b 3 s s"], rendering: Rendering, mask: Float[Tensor, "b 1 s s"]
) -> Float[Tensor, "b 9"]:
    """Colour and ambient of a frontal lamp at LIGHT_MEAN's place that best explain a photo (least squares).

    `rendering` gives the albedo and the normals of the current texture and shape. Without this start, Adam's small
    steps would spend the first hundred iterations on exposure alone.
    """
    direction = functional.normalize(photo.new_tensor(LIGHT_MEAN[:3]), dim=0)
    facing = (rendering.normals * direction[:, None, None]).sum(dim=1, keepdim=True).clamp_min(0)
    lit = (rendering.albedo * facing * mask).flatten(2)
    flat = (rendering.albedo * mask).flatten(2)
    design = torch.stack([lit, flat], dim=3)  # (B, 3, S * S, 2)
    target = (photo * mask).flatten(2)[..., None]
    gram = design.transpose(2, 3) @ design
    # A pull towards an even split keeps both parts positive in flat light.
    ridge = 0.02 * gram.diagonal(dim1=2, dim2=3).mean(dim=2)[..., None, None] * torch.eye(2, device=photo.device)
    prior = torch.full_like(gram[..., :1], 0.5)
    solution = torch.linalg.solve(
        gram + ridge + 1e-6 * torch.eye(2, device=photo.device), design.transpose(2, 3) @ target + ridge @ prior
    )
    colour, ambient = solution[..., 0].clamp(0.05, 2.0).unbind(dim=2)
    return torch.cat([photo.new_tensor(LIGHT_MEAN[:3]).expand(len(photo), 3), colour, ambient], dim=1)
