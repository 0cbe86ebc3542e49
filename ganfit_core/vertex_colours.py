"""Rendering a surface with a colour per vertex into a part of a camera's frame."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Float32, Int64
from torch import Tensor
from torch.nn import functional

from ganfit_core.camera import NEAR, project
from ganfit_core.rasterize import default_rasterizer
from ganfit_core.renderer import at_corners, fragments, interpolate
from ganfit_core.shading import phong, unit, vertex_normals


class Patch(NamedTuple):
    """A rendered square of a frame."""

    image: Float32[Tensor, "3 s s"]
    """RGB, not clipped, times the coverage."""
    coverage: Float32[Tensor, "1 s s"]
    """Share of the pixel that the surface covers."""
    left: int
    """Column of the frame that the patch's first one is; may be negative."""
    top: int
    """Likewise the row."""


def render_patch(
    vertices: Float[Tensor, "v 3"],
    faces: Int64[Tensor, "f 3"],
    colours: Float[Tensor, "v 3"],
    camera: Float[Tensor, "10"],
    light: Float[Tensor, "9"],
    size: int,
    samples: int = 2,
) -> Patch:
    """Render the square around what is seen of a surface, with `samples` squared points per pixel.

    Args:
        vertices: mm. colours: RGB in [0, 1].
        camera, light: see `camera.project` and `shading.phong`.
        size: side of the camera's whole, square frame in pixels; the patch is cut at its edges.
    """
    screen = project(vertices[None], camera[None], size)
    ahead = screen[0, screen[0, :, 2] >= NEAR, :2]
    low = ahead.amin(0).floor().clamp(0, size - 1).long()
    high = ahead.amax(0).ceil().clamp(1, size).long()
    side = max(1, int((high - low).max()))
    screen = torch.cat([(screen[..., :2] - low) * samples, screen[..., 2:]], dim=-1)
    seen = fragments(screen, faces, side * samples, default_rasterizer(faces.device))
    attributes = torch.cat([vertices[None], vertex_normals(vertices[None], faces), colours[None]], dim=-1)
    pixels = (seen.face_id[0] >= 0).flatten().nonzero().squeeze(1)
    ids = seen.face_id.flatten(1)[:, pixels]
    values = interpolate(ids, seen.barycentrics.flatten(2)[:, :, pixels], at_corners(attributes, faces))
    points, normals, albedo = values.split(3, dim=1)
    shaded = phong(albedo, unit(normals, dim=1), points, light[None], camera[None, :3])
    canvas = vertices.new_zeros(1, 4, (side * samples) ** 2)
    canvas[:, :3, pixels] = shaded
    canvas[:, 3, pixels] = 1
    pooled = functional.avg_pool2d(canvas.unflatten(2, (side * samples, side * samples)), samples)[0]
    return Patch(pooled[:3], pooled[3:], int(low[0]), int(low[1]))


def seen_faces(
    vertices: Float[Tensor, "v 3"], faces: Int64[Tensor, "f 3"], cameras: Float[Tensor, "b 10"], size: int
) -> Bool[Tensor, " f"]:
    """Which triangles show in at least one pixel of at least one of some cameras' frames."""
    rasterise = default_rasterizer(faces.device)
    seen = torch.zeros(len(faces) + 1, dtype=torch.bool)
    for camera in cameras:
        seen[rasterise(project(vertices[None], camera[None], size), faces, size).flatten()] = True
    return seen[:-1]  # the last entry is what index -1, no triangle, marks
