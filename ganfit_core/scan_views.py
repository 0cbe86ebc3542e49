"""Views of a scan: drawn for networks that look for faces, and the way back from their pixels to the surface."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, UInt8
from scipy.ndimage import binary_fill_holes
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.mesh import Mesh, Surface
from ganfit_core.rasterize import default_rasterizer
from ganfit_core.renderer import at_corners, barycentric_coordinates, fragments, interpolate, sample_texture
from ganfit_core.shading import unit, vertex_normals

SIZE = 512
"""Side of the pictures, px."""
_BACKGROUND = 0.5
_INPAINT_RADIUS = 3
_DISTANCE = 1200.0
"""From the camera to what it looks at, mm."""


@dataclass(frozen=True, eq=False)
class View:
    """A camera: where it looks, and how it is turned."""

    axes: Float64[np.ndarray, "3 3"]
    """Rows: what is to the right on the picture, what is up, and where the camera stands."""
    centre: Float64[np.ndarray, "3"]
    radius: float
    """Half the picture's side at the centre, mm."""

    @property
    def camera(self) -> Float[Tensor, "1 10"]:
        """p_c."""
        distance = max(_DISTANCE, 3 * self.radius)
        eye = self.centre + distance * self.axes[2]
        return torch.tensor([[*eye, *self.centre, *self.axes[1], distance / self.radius]])


@dataclass(frozen=True, eq=False)
class Drawing:
    """A scan as it is seen in a view."""

    camera: Float[Tensor, "1 10"]
    picture: UInt8[np.ndarray, "s s 3"]
    face_id: Int64[Tensor, "s s"]
    """The face that covers each pixel, -1 for none."""
    depth: Float64[np.ndarray, "s s"]
    """mm along the viewing axis, 0 for none."""


class Painter:
    """Draws a scan, and finds the points of its surface behind pixels.

    Args:
        surface: mm; a `Mesh` if there is a texture.
        colours: RGB of the vertices.
        texture: image for the mesh's texture coordinates, taken rather than colours. With neither, the bare shape is
            drawn, lit from the camera.
    """

    def __init__(
        self, surface: Surface, colours: UInt8[np.ndarray, "v 3"] | None, texture: UInt8[np.ndarray, "h w 3"] | None
    ) -> None:
        self.surface = surface
        self._vertices = torch.from_numpy(surface.vertices.astype(np.float64))[None]
        self._faces = torch.from_numpy(np.ascontiguousarray(surface.faces))
        self._rasterizer = default_rasterizer("cpu")
        self._texture: Tensor | None = None
        if texture is not None and isinstance(surface, Mesh):
            self._texture = torch.from_numpy(texture).permute(2, 0, 1)[None].double() / 255
            uvs = torch.from_numpy(surface.uvs.astype(np.float64))[None]
            self._at_corners = at_corners(uvs, torch.from_numpy(surface.uv_faces))
            self._lit = False
        else:
            values = vertex_normals(self._vertices, self._faces)
            self._lit = colours is None
            if colours is not None:
                values = torch.from_numpy(colours).double()[None] / 255
            self._at_corners = at_corners(values, self._faces)

    def draw(self, view: View) -> Drawing:
        """The scan on grey, its holes painted over.

        Triangles that are seen from the other side than most are seen through a hole: they are no part of the face.
        """
        camera = view.camera
        screen = project(self._vertices, camera, SIZE)
        seen = fragments(screen, self._faces, SIZE, self._rasterizer)
        depth = interpolate(seen.face_id, seen.barycentrics, at_corners(screen[..., 2:], self._faces))[0, 0]
        values = interpolate(seen.face_id, seen.barycentrics, self._at_corners)
        if self._texture is not None:
            values = sample_texture(self._texture, values.flatten(2).mT).mT.unflatten(2, (SIZE, SIZE))
        elif self._lit:
            towards = unit(camera[:, :3] - camera[:, 3:6], dim=1)[:, :, None, None]
            # Scans may have their faces' corners in either order.
            values = (values * towards).sum(dim=1, keepdim=True).abs().expand(-1, 3, -1, -1)
        corners = screen[0, :, :2][self._faces]
        side = torch.linalg.det(corners[:, 1:] - corners[:, :1]).sign()[seen.face_id[0]] * (seen.face_id[0] >= 0)
        shown = (side != 0) & (side == side.sum().sign())
        picture = torch.where(shown, values[0], _BACKGROUND)
        rgb = (picture.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
        holes = binary_fill_holes(shown.numpy()) & ~shown.numpy()
        return Drawing(
            camera=camera,
            picture=cv2.inpaint(rgb, holes.astype(np.uint8), _INPAINT_RADIUS, cv2.INPAINT_TELEA),
            face_id=torch.where(shown, seen.face_id[0], -1),
            depth=torch.where(shown, depth, 0.0).numpy(),
        )

    def lift(self, pixels: Float64[np.ndarray, "n 2"], drawing: Drawing) -> Float64[np.ndarray, "n 3"]:
        """The points of the surface behind pixels, NaN where there is none."""
        at = torch.from_numpy(pixels)
        inside = ((at >= 0) & (at < SIZE)).all(dim=1)
        column, row = at.floor().long().clamp(0, SIZE - 1).unbind(dim=1)
        face = torch.where(inside, drawing.face_id[row, column], -1)
        triangles = self._vertices[0][self._faces[face.clamp_min(0)]]
        corners = project(triangles.reshape(1, -1, 3), drawing.camera, SIZE).view(1, -1, 3, 3)
        weights = barycentric_coordinates(corners.permute(0, 3, 2, 1), at.T[None])[0]
        points = torch.einsum("kn,nkc->nc", weights, triangles)
        points[face < 0] = torch.nan
        return points.numpy()
