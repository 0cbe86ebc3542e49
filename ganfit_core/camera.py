"""Pinhole look-at camera (Fast-GANFIT, Section 3.2; ``camera`` is p_c: eye, target, up, focal)."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

NEAR = 1.0
"""Smallest depth in mm that is projected truly or rasterised."""


def look_at(camera: Float[Tensor, "b 10"]) -> tuple[Float[Tensor, "b 3 3"], Float[Tensor, "b 3"]]:
    """World-to-camera rotation and translation, ``x_camera = R @ x + t``.

    The camera frame is right-handed with +x right, +y down and +z forward (the image frame extended by the
    viewing axis, as in OpenCV), so R is a proper rotation.

    Args:
        camera: eye (3), target (3), up (3) in mm, focal (1) in half image sides. ``up`` need not be
            orthogonal to the viewing axis, but must not be parallel to it: R would be singular.

    Returns:
        R (B, 3, 3) and t (B, 3) in mm.
    """
    eye, target, up = camera[:, 0:3], camera[:, 3:6], camera[:, 6:9]
    forward = functional.normalize(target - eye, dim=-1)
    right = functional.normalize(torch.linalg.cross(forward, up), dim=-1)
    down = torch.linalg.cross(forward, right)
    rotation = torch.stack([right, down, forward], dim=1)
    return rotation, -(rotation @ eye[:, :, None]).squeeze(-1)


def project(points: Float[Tensor, "b n 3"], camera: Float[Tensor, "b 10"], size: int) -> Float[Tensor, "b n 3"]:
    """Pinhole projection to pixels, with x_ndc = focal * X / Z and y_ndc = focal * Y / Z for Y up.

    Args:
        points: in mm, model frame.
        camera: as in `look_at`.
        size: side of the square image in pixels.

    Returns:
        (B, N, 3): x (right) and y (down) in pixels with pixel centres at half-integers, and the depth in mm
        along the viewing axis, positive in front. For depths below `NEAR` x and y are those of a point at
        `NEAR`: finite, with finite gradients, and to be culled by their depth.
    """
    rotation, translation = look_at(camera)
    in_camera = points @ rotation.transpose(1, 2) + translation[:, None]
    depth = in_camera[..., 2:]
    focal = camera[:, None, 9:]
    xy = (focal * in_camera[..., :2] / depth.clamp_min(NEAR) + 1) * (size / 2)
    return torch.cat([xy, depth], dim=-1)
