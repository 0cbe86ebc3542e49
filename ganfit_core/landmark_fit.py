"""Stage 1 of the fit: rough alignment by landmarks alone (Fast-GANFIT, Section 3.4).

min over p_s, p_e, p_c of  lambda_lan L_lan + lambda_reg Reg(p_s, p_e)
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.morphable import MorphableModel
from ganfit_core.people import People
from ganfit_core.pose import camera_from_landmarks

# How far each camera number typically moves in a fit (eye, target: mm; up: none; focal: half image sides). The
# optimiser works on multiples of these, so that one learning rate suits all parameters.
CAMERA_SCALE = (100.0, 100.0, 100.0, 30.0, 30.0, 30.0, 0.3, 0.3, 0.3, 1.0)
# Landmark distances are counted in thousandths of the image side, whatever the image's size.
LANDMARK_UNIT = 1000.0
_LEARNING_RATE = 0.05


class Start(NamedTuple):
    """Where a landmark fit begins."""

    identity: Float[Tensor, "b ns"]
    """Standard deviations."""
    expression: Float[Tensor, "b ne"]
    """Standard deviations."""
    camera: Float[Tensor, "b 10"]
    """p_c."""


class LandmarkFit(NamedTuple):
    """Parameters that place the model's landmarks on the detected ones."""

    identity: Float[Tensor, "b ns"]
    """Standard deviations."""
    expression: Float[Tensor, "b ne"]
    """Standard deviations."""
    camera: Float[Tensor, "b 10"]
    """p_c, see `camera.project`."""
    error: Float[Tensor, " b"]
    """Mean landmark distance over the distance between the eyes' centres (0.03 is 3 %)."""


def landmark_loss(
    projected: Float[Tensor, "b 68 2"], detected: Float[Tensor, "b 68 2"], size: int
) -> Float[Tensor, " b"]:
    """L_lan (Fast-GANFIT, Eq. 12): mean squared distance, in (thousandths of the image side)^2."""
    return ((projected - detected) * (LANDMARK_UNIT / size)).square().sum(dim=2).mean(dim=1)


def relative_landmark_error(
    projected: Float[Tensor, "b 68 2"], detected: Float[Tensor, "b 68 2"]
) -> Float[Tensor, " b"]:
    """Mean landmark distance relative to the inter-ocular distance (between the means of the eyes' six points)."""
    eyes = detected[:, 36:42].mean(dim=1) - detected[:, 42:48].mean(dim=1)
    return (projected - detected).norm(dim=2).mean(dim=1) / eyes.norm(dim=1)


def shape_prior(identity: Float[Tensor, "b ns"], expression: Float[Tensor, "b ne"]) -> Float[Tensor, " b"]:
    """Reg(p_s, p_e) (Fast-GANFIT, Eq. 4): mean squared coefficient."""
    return torch.cat([identity, expression], dim=1).square().mean(dim=1)


def fit_landmarks(
    model: MorphableModel,
    landmarks: Float[Tensor, "b 68 2"],
    size: int,
    iterations: int = 150,
    landmark_weight: float = 0.001,
    prior_weight: float = 0.05,
    start: Start | None = None,
    people: People | None = None,
) -> LandmarkFit:
    """Fit identity, expression and camera to landmarks in pixels of square images of side `size`.

    The prior holds them near `start`, by default the mean head: what a regression knows of a face beyond its landmarks
    is kept.

    All images are fitted at once, each independently of the others but for the identity of images of the same person,
    which is averaged after every iteration (Eq. 14); `people` are each shown once unless given. Only the 68 landmark
    rows of the bases are evaluated, so a batch of 64 takes a second on one CPU core.
    """
    mean = model.mean[model.landmark_indices]
    identity_basis = model.identity_basis[:, model.landmark_indices]
    expression_basis = model.expression_basis[:, model.landmark_indices]
    batch = len(landmarks)
    if start is None:
        camera = camera_from_landmarks(mean.expand(batch, -1, -1), landmarks, size)
        zeros = camera.new_zeros(batch, model.n_identity), camera.new_zeros(batch, model.n_expression)
        start = Start(*zeros, camera)
    camera = start.camera.detach()
    scale = camera.new_tensor(CAMERA_SCALE)
    identity = start.identity.detach().clone().requires_grad_()
    expression = start.expression.detach().clone().requires_grad_()
    step = torch.zeros_like(camera).requires_grad_()
    optimiser = torch.optim.Adam([identity, expression, step], lr=_LEARNING_RATE)

    def projected() -> Tensor:
        shape = torch.tensordot(identity, identity_basis, 1) + torch.tensordot(expression, expression_basis, 1)
        return project(mean + shape, camera + scale * step, size)[..., :2]

    for _ in range(iterations):
        optimiser.zero_grad()
        prior = shape_prior(identity - start.identity, expression - start.expression)
        energy = landmark_weight * landmark_loss(projected(), landmarks, size) + prior_weight * prior
        energy.sum().backward()
        optimiser.step()
        if people is not None:
            with torch.no_grad():
                identity.copy_(people.mean(identity))
    with torch.no_grad():
        error = relative_landmark_error(projected(), landmarks)
        return LandmarkFit(identity.detach(), expression.detach(), camera + scale * step.detach(), error)
