"""A first camera from 68 landmarks, in closed form, for the non-linear fit to start from."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Distance of the first camera in mm. Perspective hardly shows in a landmark fit; a portrait's typical one is as good
# a start as any, and the fit refines it.
START_DISTANCE = 900.0
# Chin and jaw line (0 to 16) slide over the cheek as the head turns; the rest are fixed points of the surface.
_FIXED_POINTS = slice(17, 68)


def camera_from_landmarks(
    points: Float[Tensor, "b 68 3"], landmarks: Float[Tensor, "b 68 2"], size: int
) -> Float[Tensor, "b 10"]:
    """The look-at camera whose scaled orthographic view best matches the landmarks (least squares; POS of
    DeMenthon and Davis 1995), standing START_DISTANCE away.

    Args:
        points: landmarks of the model in mm.
        landmarks: detected landmarks in pixels of a square image.
        size: side of that image in pixels.

    Returns:
        p_c: eye, target, up in mm and focal, as `camera.project` takes them.
    """
    ndc = torch.stack([2 * landmarks[..., 0] / size - 1, 1 - 2 * landmarks[..., 1] / size], dim=-1)
    ndc, points = ndc[:, _FIXED_POINTS], points[:, _FIXED_POINTS]
    centre = points.mean(dim=1)
    offset = ndc.mean(dim=1)
    # The default driver is not bitwise reproducible on the CPU.
    affine = torch.linalg.lstsq(points - centre[:, None], ndc - offset[:, None], driver="gels").solution  # (B, 3, 2)
    scale = affine.norm(dim=1).mean(dim=1)
    # The nearest pair of orthonormal axes: U V^T of the affine part.
    u, _, vt = torch.linalg.svd(affine, full_matrices=False)
    axes = u @ vt
    right, up = axes[..., 0], axes[..., 1]
    backward = torch.linalg.cross(right, up)
    # Shifting eye and target together moves the image without turning the view.
    shift = offset / scale[:, None]
    target = centre - shift[:, :1] * right - shift[:, 1:] * up
    eye = target + START_DISTANCE * backward
    focal = scale * START_DISTANCE
    return torch.cat([eye, target, functional.normalize(up, dim=1), focal[:, None]], dim=1)
