"""Unwraps a photograph onto the UV map of a fitted mesh (Fast-GANFIT, Section 2.1.1: T = P(I_uv, t_coord))."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from ganfit_core.camera import NEAR, project
from ganfit_core.morphable import MorphableModel
from ganfit_core.rasterize import default_rasterizer
from ganfit_core.renderer import Fragments, at_corners, fragments, interpolate
from ganfit_core.shading import unit, vertex_normals

# A texel farther behind the depth buffer than this is hidden: above the buffer's own discretisation on oblique skin,
# below the depth of a nostril or an eyelid fold.
_DEPTH_TOLERANCE_MM = 4.0
# Seen more obliquely than this (cosine of the angle to the normal), a texel is worthless; from the second on, full.
_COSINE_FROM, _COSINE_TO = 0.15, 0.6
# Hair begins about this far above the brows, as a share of the distance from brow to chin.
_HAIRLINE = 0.42
_TAPER_SHARE = 1 / 40
# A texel between a real and a made-up pixel is made up.
_SHOWN = 0.99


class Unwrapped(NamedTuple):
    """UV maps of R texels a side."""

    texture: Float[Tensor, "b 3 r r"]
    """The photo's colours, zero where the confidence is."""
    confidence: Float[Tensor, "b 1 r r"]
    """0 unseen (hidden, turned away, outside the photo) to 1 seen frontally."""
    normals: Float[Tensor, "b 3 r r"]
    """Unit surface normals in the model frame."""


class Unwrapper(nn.Module):
    """Photo to UV map, for one mesh topology.

    Args:
        model: gives topology and texture coordinates.
        resolution: side of the UV map in texels.
        photo_size: side of the square photo in pixels.
    """

    faces: Tensor
    texel_face: Tensor
    texel_barycentrics: Tensor

    def __init__(self, model: MorphableModel, resolution: int, photo_size: int) -> None:
        super().__init__()
        self.resolution, self.photo_size = resolution, photo_size
        self.rasterizer = default_rasterizer(model.faces.device)
        on_map = uv_fragments(model, resolution)
        self.register_buffer("faces", model.faces, persistent=False)
        self.register_buffer("texel_face", on_map.face_id, persistent=False)
        self.register_buffer("texel_barycentrics", on_map.barycentrics, persistent=False)

    @torch.no_grad()
    def forward(
        self,
        photo: Float[Tensor, "b 3 s s"],
        vertices: Float[Tensor, "b v 3"],
        camera: Float[Tensor, "b 10"],
        shown: Float[Tensor, "b 1 s s"] | None = None,
    ) -> Unwrapped:
        """Unwrap photos with their fitted vertices (mm) and cameras; pixels where `shown` is 0 count as unseen."""
        screen = project(vertices, camera, self.photo_size)
        normals = vertex_normals(vertices, self.faces)
        per_texel = self._at_texels(torch.cat([vertices, normals], dim=2))
        points, normals = per_texel[:, :3], unit(per_texel[:, 3:], dim=1)
        batch, r = len(photo), self.resolution
        at = project(points.flatten(2).mT, camera, self.photo_size)
        grid = (2 * at[..., :2] / self.photo_size - 1).view(batch, r, r, 2)

        seen = fragments(screen, self.faces, self.photo_size, self.rasterizer)
        depth = interpolate(seen.face_id, seen.barycentrics, at_corners(screen[..., 2:], self.faces))
        # Pixels off the mesh must not hide anything.
        depth = torch.where(seen.face_id[:, None] >= 0, depth, torch.inf)
        nearest = functional.grid_sample(depth.nan_to_num(posinf=1e6), grid, mode="nearest", align_corners=False)
        visible = at[..., 2].view(batch, 1, r, r) <= nearest + _DEPTH_TOLERANCE_MM

        view = unit(camera[:, :3, None, None] - points, dim=1)
        cosine = (normals * view).sum(dim=1, keepdim=True)
        facing = ((cosine - _COSINE_FROM) / (_COSINE_TO - _COSINE_FROM)).clamp(0, 1)
        inside = (grid.abs() < 1).all(dim=-1)[:, None]
        on_mesh = (self.texel_face >= 0)[:, None]
        confidence = facing * visible * inside * on_mesh
        if shown is not None:
            confidence = confidence * (functional.grid_sample(shown, grid, align_corners=False) > _SHOWN)
        texture = functional.grid_sample(photo, grid, padding_mode="border", align_corners=False)
        return Unwrapped(texture * (confidence > 0), confidence, normals)

    def _at_texels(self, values: Tensor) -> Tensor:
        batch = len(values)
        return interpolate(
            self.texel_face.expand(batch, -1, -1),
            self.texel_barycentrics.expand(batch, -1, -1, -1),
            at_corners(values, self.faces),
        )


def uv_fragments(model: MorphableModel, resolution: int) -> Fragments:
    """Which triangle covers each texel (row 0 at v = 1): (1, R, R) face ids and barycentrics."""
    uvs = model.uvs
    flat = torch.stack([uvs[:, 0], 1 - uvs[:, 1]], dim=1) * resolution
    screen = torch.cat([flat, torch.full_like(flat[:, :1], 2 * NEAR)], dim=1)
    return fragments(screen[None], model.uv_faces, resolution, default_rasterizer(uvs.device))


def uv_region(model: MorphableModel, region: Bool[Tensor, " v"], resolution: int) -> Bool[Tensor, "r r"]:
    """The texels of triangles whose three corners lie in a region of vertices."""
    on_map = uv_fragments(model, resolution).face_id[0]
    return region[model.faces].all(dim=1)[on_map.clamp_min(0)] & (on_map >= 0)


def vertex_map(model: MorphableModel, values: Float[Tensor, "v c"], resolution: int) -> Float[Tensor, "c r r"]:
    """Values of vertices, interpolated over the map; 0 off the mesh."""
    on_map = uv_fragments(model, resolution)
    drawn = interpolate(on_map.face_id, on_map.barycentrics, at_corners(values[None], model.faces))
    return (drawn * (on_map.face_id >= 0)[:, None])[0]


def face_weight(model: MorphableModel, resolution: int) -> Float[Tensor, "r r"]:
    """Texels in [0, 1] where a photograph shows skin, eyes and mouth: the face below the hairline.

    It falls off smoothly at its border. Beyond it a photograph shows hair, clothes or background, of which the model
    knows nothing.
    """
    points = model.mean[model.landmark_indices]
    brow, chin = points[17:27, 1].mean(), points[8, 1]
    region = model.regions["face"] & (model.mean[:, 1] < brow + _HAIRLINE * (brow - chin))
    return taper(uv_region(model, region, resolution), max(1, round(resolution * _TAPER_SHARE)))


def taper(region: Bool[Tensor, "r r"], texels: int) -> Float[Tensor, "r r"]:
    """A mask that falls smoothly from 1 inside a region to 0 at its border, over `texels`."""
    inside = region[None, None].float()
    kernel = 2 * texels + 1
    eroded = -functional.max_pool2d(-inside, kernel, 1, texels)
    blurred = functional.avg_pool2d(functional.pad(eroded, [texels] * 4, mode="replicate"), kernel, 1)
    return (blurred * inside)[0, 0]
