"""Expression and pose in every frame of a video, by landmarks, with identity and focal length fixed.

All frames are fitted at once (Gauss-Newton): what the landmarks say, robustly, a prior on the expression, and Gaussian
second differences of all parameters over time. Such a term has no direction in time, so a movement is smoothed but not
delayed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ganfit_core.camera import look_at
from ganfit_core.landmark_fit import relative_landmark_error
from ganfit_core.morphable import MorphableModel
from ganfit_core.pose import camera_from_landmarks
from ganfit_core.smoothing import solve_smooth

_NOISE = 0.02
"""Standard deviation of a landmark's coordinate, as a share of the face's extent (see `_extent`)."""
_JAW_NOISE = 3.0
"""Times as much for the jaw line (0 to 16), which slides over the cheek as the head turns."""
_OUTLIER = 3.0
"""Standard deviations at which a landmark is half believed: hands cover faces."""
# Standard deviations of second differences from frame to frame at REFERENCE_RATE.
_ROTATION, _SHIFT, _EXPRESSION = 0.002, 0.4, 0.12
"""Half radians, mm, standard deviations."""
_LOOSE_POSE = 1e-6
"""A trace of a prior on the pose, for frames whose landmarks would not determine it."""
REFERENCE_RATE = 25.0
_MOST_ROUNDS = 20
_SETTLED = 0.02
"""Of these deviations: no parameter of any frame has moved by more."""
_CHUNK = 64
"""Frames whose derivatives are in memory together."""
_CUT = 0.5
"""Of the distance between the eyes: landmarks that move farther from one frame to the next are of another scene."""


@dataclass(frozen=True, eq=False)
class Track:
    """A face over the frames that show it."""

    expression: Float[Tensor, "t ne"]
    """p_e, standard deviations."""
    camera: Float[Tensor, "t 10"]
    """p_c of the whole square image."""
    landmarks: Float[Tensor, "t 68 2"]
    """Of the model, projected, px."""
    error: Float[Tensor, " t"]
    """Mean distance from the detected ones over the inter-ocular distance."""


def runs_of(frames: Int64[np.ndarray, "t"], landmarks: Float[np.ndarray, "t 68 2"]) -> Int64[np.ndarray, "t"]:
    """A number for each frame, the same for frames that follow each other.

    A run ends where frames lack, and where the landmarks move by more than half the inter-ocular distance from one
    frame to the next: at a cut, or at another face.
    """
    eyes = np.linalg.norm(landmarks[:, 36:42].mean(axis=1) - landmarks[:, 42:48].mean(axis=1), axis=1)
    moved = np.linalg.norm(np.diff(landmarks, axis=0), axis=2).mean(axis=1)
    ends = (np.diff(frames) != 1) | (moved > _CUT * np.minimum(eyes[:-1], eyes[1:]))
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.int64)


def track(
    model: MorphableModel,
    identity: Float[Tensor, " ns"],
    focal: float,
    landmarks: Float[Tensor, "t 68 2"],
    size: int,
    runs: Int64[Tensor, " t"],
    rate: float = REFERENCE_RATE,
) -> Track:
    """Fit all frames.

    Args:
        identity: p_s of the person.
        focal: in half sides of the image.
        landmarks: detected, px of square images of side `size` with the principal point in the middle.
        runs: as `runs_of` gives them.
        rate: frames per second.
    """
    # On the CPU whatever the model's device: small matrices, one after the other.
    here = torch.zeros((), dtype=torch.float64)
    seen = landmarks.to(here)
    neutral = model.mean + torch.tensordot(identity.to(model.mean), model.identity_basis, 1)
    mean = neutral[model.landmark_indices].to(here)
    basis = model.expression_basis[:, model.landmark_indices].to(here)
    base, start = _first_pose(mean, seen, focal, size)
    x = torch.cat([start, start.new_zeros(len(seen), model.n_expression)], dim=1)
    ndc = 2 * seen / size - 1
    spread = _NOISE * _extent(ndc)[:, None].expand(-1, 68) * torch.where(torch.arange(68) < 17, _JAW_NOISE, 1.0)
    prior = torch.cat([x.new_full((6,), _LOOSE_POSE), x.new_ones(model.n_expression)])
    deviations = x.new_tensor([_ROTATION] * 3 + [_SHIFT] * 3 + [_EXPRESSION] * model.n_expression)
    # The same movement, filmed at another rate: velocities that wander (integrated white noise).
    deviations = deviations * (REFERENCE_RATE / rate) ** 1.5
    for _ in range(_MOST_ROUNDS):
        information, evidence = torch.diag(prior).repeat(len(x), 1, 1), torch.zeros_like(x)
        for part in torch.arange(len(x)).split(_CHUNK):
            points, jacobian = _projected(x[part], mean, basis, base, focal)
            residual = (points - ndc[part]) / spread[part, :, None]
            jacobian = jacobian / spread[part, :, None, None]
            trust = 1 / (1 + residual.square().sum(dim=2) / _OUTLIER**2)
            weighted = jacobian * trust[:, :, None, None]
            information[part] += torch.einsum("tlcn,tlcm->tnm", weighted, jacobian)
            target = torch.einsum("tlcn,tn->tlc", jacobian, x[part]) - residual
            evidence[part] += torch.einsum("tlcn,tlc->tn", weighted, target)
        x, previous = solve_smooth(information, evidence, deviations**-2, runs), x
        if ((x - previous).abs() < _SETTLED * deviations).all():
            break
    parts = [_projected(part, mean, basis, base, focal)[0] for part in x.split(_CHUNK)]
    projected = (torch.cat(parts) + 1) * (size / 2)
    error = relative_landmark_error(projected, seen)
    camera = look_from(_rotation(x[:, :3]) @ base, x[:, 3:6], focal)
    return Track(x[:, 6:].float(), camera.float(), projected.float(), error.float())


def look_from(rotation: Float[Tensor, "t 3 3"], shift: Float[Tensor, "t 3"], focal: float) -> Float[Tensor, "t 10"]:
    """p_c of a camera with ``x_camera = R @ x + t``: the inverse of `camera.look_at`, looking past the origin."""
    eye = -(rotation.mT @ shift[..., None])[..., 0]
    forward, up = rotation[:, 2], -rotation[:, 1]
    target = eye + forward * shift[:, 2:]
    return torch.cat([eye, target, up, torch.full_like(eye[:, :1], focal)], dim=1)


def _projected(
    x: Float[Tensor, "t n"],
    mean: Float[Tensor, "68 3"],
    basis: Float[Tensor, "ne 68 3"],
    base: Float[Tensor, "3 3"],
    focal: float,
) -> tuple[Float[Tensor, "t 68 2"], Float[Tensor, "t 68 2 n"]]:
    """Landmarks from -1 to 1 over the image, and their derivatives by rotation (as `_rotation` takes it), shift and
    expression."""
    gibbs, shift = x[:, :3], x[:, 3:6]
    rotation = _rotation(gibbs) @ base
    turned = (mean + torch.tensordot(x[:, 6:], basis, 1)) @ rotation.mT
    points = turned + shift[:, None]
    unit = torch.eye(3).to(x).expand(len(x), 3, 3)
    # The angular velocity of a change g' of the Gibbs vector is 2 (g' + g x g') / (1 + g.g).
    velocity = 2 * (unit + torch.linalg.cross(gibbs[:, None].expand_as(unit), unit))
    velocity = velocity / (1 + gibbs.square().sum(dim=1))[:, None, None]
    by_rotation = torch.linalg.cross(velocity[:, None].expand(-1, 68, -1, -1), turned[:, :, None].expand(-1, -1, 3, -1))
    by_shift = unit[:, None].expand(-1, 68, -1, -1)
    by_expression = torch.einsum("tij,klj->tlki", rotation, basis)
    change = torch.cat([by_rotation, by_shift, by_expression], dim=2).mT  # (T, 68, 3, n)
    depth = points[..., 2:]
    image = focal * points[..., :2] / depth
    return image, (focal * change[:, :, :2] - image[..., None] * change[:, :, 2:]) / depth[..., None]


def _first_pose(
    mean: Float[Tensor, "68 3"], seen: Float[Tensor, "t 68 2"], focal: float, size: int
) -> tuple[Float[Tensor, "3 3"], Float[Tensor, "t 6"]]:
    """The middle of the rotations in closed form, and of each frame the rotation from there (`_rotation`) and shift."""
    camera = camera_from_landmarks(mean.expand(len(seen), -1, -1), seen, size)
    rotations, shifts = look_at(camera)
    # The scale of the image is focal length over distance; the focal length is another here.
    ratio = focal / camera[:, 9:]
    depth = shifts[:, 2:] * ratio
    u, _, vt = torch.linalg.svd(rotations.sum(dim=0))
    base = u @ torch.diag(torch.tensor([1.0, 1.0, float(torch.linalg.det(u @ vt))], dtype=u.dtype)) @ vt
    relative = rotations @ base.T
    # The Gibbs vector is the axis times the tangent of half the angle.
    axis = torch.stack(
        [
            relative[:, 2, 1] - relative[:, 1, 2],
            relative[:, 0, 2] - relative[:, 2, 0],
            relative[:, 1, 0] - relative[:, 0, 1],
        ],
        dim=1,
    )
    gibbs = axis / (1 + relative.diagonal(dim1=1, dim2=2).sum(dim=1, keepdim=True)).clamp_min(0.1)
    return base, torch.cat([gibbs, shifts[:, :2], depth], dim=1)


def _rotation(gibbs: Float[Tensor, "*b 3"]) -> Float[Tensor, "*b 3 3"]:
    """Rotation about a vector by twice the arctangent of its length: smooth everywhere short of half a turn."""
    x, y, z = gibbs.unbind(-1)
    one = torch.ones_like(x)
    rows = [
        torch.stack([one + x * x - y * y - z * z, 2 * (x * y - z), 2 * (x * z + y)], dim=-1),
        torch.stack([2 * (x * y + z), one - x * x + y * y - z * z, 2 * (y * z - x)], dim=-1),
        torch.stack([2 * (x * z - y), 2 * (y * z + x), one - x * x - y * y + z * z], dim=-1),
    ]
    return torch.stack(rows, dim=-2) / (1 + gibbs.square().sum(dim=-1))[..., None, None]


def _extent(points: Float[Tensor, "t 68 2"]) -> Float[Tensor, " t"]:
    """Root mean square distance of the landmarks from their mean; hardly less where the head turns."""
    return (points - points.mean(dim=1, keepdim=True)).square().sum(dim=2).mean(dim=1).sqrt()


def jitter(landmarks: Float[np.ndarray, "t 68 2"], runs: Int64[np.ndarray, "t"]) -> float | None:
    """Root mean square second difference of landmarks from frame to frame, in % of the inter-ocular distance.

    Within runs; None where none has three frames. What moves also has some: compare only tracks of the same video.
    """
    inner = (runs[:-2] == runs[1:-1]) & (runs[1:-1] == runs[2:])
    if not inner.any():
        return None
    eyes = np.linalg.norm(landmarks[:, 36:42].mean(axis=1) - landmarks[:, 42:48].mean(axis=1), axis=1)
    second = np.diff(landmarks, n=2, axis=0) / eyes[1:-1, None, None]
    return 100 * float(np.sqrt(np.square(second[inner]).sum(axis=2).mean()))
