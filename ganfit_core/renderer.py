"""Differentiable rendering by deferred shading (Fast-GANFIT, Section 3.2, after Genova et al., CVPR 2018).

The rasteriser says, without gradients, which triangle covers each pixel. Everything else, barycentric
coordinates included, is recomputed from the projected vertices in torch. Inside the mask the gradients are
those of the image; the silhouette itself has none, so losses must be restricted to the mask or composited
over the photo.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from ganfit_core.camera import NEAR, project
from ganfit_core.rasterize import Rasterizer, default_rasterizer
from ganfit_core.shading import phong, vertex_normals

_TINY = 1e-12
"""Keeps the barycentrics of slivers, and their gradients, finite."""


class Fragments(NamedTuple):
    """What covers each pixel, and where in the triangle; barycentrics carry the gradient to the vertices."""

    face_id: Int64[Tensor, "b s s"]
    """Covering face, -1 where there is none."""
    barycentrics: Float[Tensor, "b s s 3"]
    """Perspective-correct weights of the face's corners, zero where there is no face."""


class Rendering(NamedTuple):
    """A batch of images of side S; every float is zero outside the mask."""

    image: Float[Tensor, "b 3 s s"]
    """Shaded RGB, not clipped."""
    mask: Float[Tensor, "b 1 s s"]
    """1 where the mesh covers the pixel centre, else 0."""
    albedo: Float[Tensor, "b 3 s s"]
    """The texture as seen, unlit."""
    normals: Float[Tensor, "b 3 s s"]
    """Unit normals in the model frame."""
    uv: Float[Tensor, "b s s 2"]
    """Texture coordinates, (0, 0) at the bottom left of the texture."""
    face_id: Int64[Tensor, "b s s"]
    """Covering face, -1 where there is none."""
    depth: Float[Tensor, "b 1 s s"]
    """mm along the viewing axis."""


class Renderer(nn.Module):
    """Renders one mesh topology with per-corner texture coordinates.

    Args:
        faces: vertex indices of the triangles.
        uvs: texture coordinates, (0, 0) bottom-left.
        uv_faces: indices into ``uvs`` of the same triangles' corners.
        size: side of the square image in pixels.
        rasterizer: visibility backend, by default that of the device ``faces`` is on.
    """

    faces: Tensor
    corner_uvs: Tensor

    def __init__(
        self,
        faces: Int64[Tensor, "f 3"],
        uvs: Float[Tensor, "t 2"],
        uv_faces: Int64[Tensor, "f 3"],
        size: int,
        rasterizer: Rasterizer | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        self.rasterizer = rasterizer if rasterizer is not None else default_rasterizer(faces.device)
        self.register_buffer("faces", faces, persistent=False)
        self.register_buffer("corner_uvs", uvs[uv_faces][None], persistent=False)

    def forward(
        self,
        vertices: Float[Tensor, "b v 3"],
        texture: Float[Tensor, "b 3 h w"],
        camera: Float[Tensor, "b 10"],
        light: Float[Tensor, "b 9"],
    ) -> Rendering:
        """Render the textured mesh; differentiable in all four arguments, in float32 or float64.

        Args:
            vertices: mm.
            texture: RGB in [0, 1], row 0 at v = 1, bilinearly filtered.
            camera: eye, target, up in mm, focal in half image sides (see `camera.project`).
            light: position in mm, colour, ambient (see `shading.phong`).
        """
        screen = project(vertices, camera, self.size)
        face_id, compact = _rasterise(screen, self.faces, self.size, self.rasterizer)
        ids, barycentrics = compact.face_id, compact.barycentrics

        attributes = torch.cat([vertices, vertex_normals(vertices, self.faces), screen[..., 2:]], dim=-1)
        values = interpolate(ids, barycentrics, at_corners(attributes, self.faces))
        points, normals, depth = values.split([3, 3, 1], dim=-1)
        normals = functional.normalize(normals, dim=-1)
        uv = interpolate(ids, barycentrics, self.corner_uvs.to(vertices.dtype))
        albedo = sample_texture(texture, uv)
        colours = phong(albedo, normals, points, light, camera[:, :3])

        def image(pixel_values: Tensor) -> Tensor:
            return _scatter(pixel_values, compact.pixels, self.size).permute(0, 3, 1, 2).contiguous()

        return Rendering(
            image=image(colours),
            mask=(face_id >= 0)[:, None].to(vertices.dtype),
            albedo=image(albedo),
            normals=image(normals),
            uv=_scatter(uv, compact.pixels, self.size),
            face_id=face_id,
            depth=image(depth),
        )


def fragments(
    screen_xyz: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"], size: int, rasterizer: Rasterizer
) -> Fragments:
    """Covering face and barycentrics at every pixel of a square image, from projected vertices.

    With texture coordinates times ``size`` for x and y and any constant depth of at least `camera.NEAR`, it
    rasterises the UV map instead of the view.
    """
    face_id, compact = _rasterise(screen_xyz, faces, size, rasterizer)
    return Fragments(face_id, _scatter(compact.barycentrics, compact.pixels, size))


def at_corners(values: Float[Tensor, "b v c"], faces: Int64[Tensor, "f 3"]) -> Float[Tensor, "b f 3 c"]:
    """Per-vertex values at the corners of every face."""
    batch, n_vertices, channels = values.shape
    offset = torch.arange(batch, device=faces.device)[:, None] * n_vertices
    index = (faces.reshape(-1) + offset).reshape(-1)
    return values.reshape(-1, channels).index_select(0, index).view(batch, len(faces), 3, channels)


def interpolate(
    face_id: Int64[Tensor, "b *p"],
    barycentrics: Float[Tensor, "b *p 3"],
    corner_values: Float[Tensor, "#b f 3 c"],
) -> Float[Tensor, "b *p c"]:
    """Interpolate values given at the corners of the faces: sum_i barycentric_i * corner_value_i.

    Args:
        face_id: face at each pixel (a grid or a list of pixels), -1 for none.
        barycentrics: weights of its corners.
        corner_values: C channels per corner, of one mesh for all images or of one mesh each.

    Returns:
        C channels per pixel, zero where there is no face.
    """
    weights = torch.where(face_id[..., None] >= 0, barycentrics, 0)
    corners = _gather(face_id, corner_values)
    return _weighted_sum(weights, corners)


def _weighted_sum(weights: Float[Tensor, "*p 3"], corners: Float[Tensor, "*p 3 c"]) -> Float[Tensor, "*p c"]:
    """sum_i weight_i * corner_i, unrolled: faster than a reduction or a matrix product over three terms."""
    first, second, third = corners.unbind(-2)
    return weights[..., 0:1] * first + weights[..., 1:2] * second + weights[..., 2:3] * third


def sample_texture(texture: Float[Tensor, "b c h w"], uv: Float[Tensor, "b p 2"]) -> Float[Tensor, "b p c"]:
    """Bilinear texture look-up; (0, 0) is the bottom-left corner of the texture, (1, 1) its top-right one."""
    flipped = torch.stack([2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]], dim=-1)
    colours = functional.grid_sample(texture, flipped[:, None], padding_mode="border", align_corners=False)
    return colours[:, :, 0].transpose(1, 2)


class _Compact(NamedTuple):
    """The covered pixels alone, padded to the largest count of the batch."""

    pixels: Tensor
    """(B, P) index into the flattened image, S * S for padding."""
    face_id: Tensor
    """(B, P), -1 for padding."""
    barycentrics: Tensor
    """(B, P, 3), arbitrary for padding."""


def _rasterise(screen: Tensor, faces: Tensor, size: int, rasterizer: Rasterizer) -> tuple[Tensor, _Compact]:
    """Face per pixel (B, S, S), and the covered pixels with differentiable barycentrics."""
    face_id = rasterizer(screen.detach(), faces, size)
    flat = face_id.flatten(1)
    image, pixel = (flat >= 0).nonzero(as_tuple=True)
    counts = torch.bincount(image, minlength=len(flat))
    rank = torch.arange(len(image), device=flat.device) - (counts.cumsum(0) - counts)[image]
    # At least one, as empty views must pass through grid_sample too.
    longest = max(1, int(counts.max()))
    pixels = torch.full((len(flat), longest), size * size, device=flat.device)
    pixels[image, rank] = pixel
    ids = torch.full_like(pixels, -1)
    ids[image, rank] = flat[image, pixel]
    corners = _gather(ids, at_corners(screen, faces))
    centres = torch.stack([pixels % size, pixels // size], dim=-1) + 0.5
    return face_id, _Compact(pixels, ids, barycentric_coordinates(corners, centres.to(screen.dtype)))


def barycentric_coordinates(corners: Float[Tensor, "*p 3 3"], points: Float[Tensor, "*p 2"]) -> Float[Tensor, "*p 3"]:
    """Perspective-correct barycentric coordinates of screen points in projected triangles.

    The weights on the screen w_i (areas of the sub-triangles) are divided by the corners' depths and
    normalised, then clamped to [0, 1], as the rounding of vertices can leave a pixel centre just outside a
    thin triangle.

    Args:
        corners: x, y in pixels and depth of each triangle's corners.
        points: x, y in pixels.
    """
    x, y = (corners[..., :2] - points[..., None, :]).unbind(-1)
    areas = x.roll(-1, -1) * y.roll(1, -1) - x.roll(1, -1) * y.roll(-1, -1)
    weights = areas / corners[..., 2].clamp_min(NEAR)
    total = weights.sum(-1, keepdim=True)
    clamped = (weights / torch.where(total.abs() > _TINY, total, _TINY)).clamp(0, 1)
    return clamped / clamped.sum(-1, keepdim=True).clamp_min(_TINY)


def _gather(face_id: Tensor, corner_values: Tensor) -> Tensor:
    """Corner values (B, *P, 3, C) of the face at each pixel; those of face 0 where there is none."""
    meshes, n_faces, _, channels = corner_values.shape
    index = face_id.clamp_min(0).flatten(1)
    if meshes > 1:
        index = index + torch.arange(meshes, device=index.device)[:, None] * n_faces
    # index_select, since the backward of advanced indexing is several times slower.
    rows = corner_values.reshape(meshes * n_faces, 3 * channels).index_select(0, index.reshape(-1))
    return rows.view(*face_id.shape, 3, channels)


def _scatter(values: Tensor, pixels: Tensor, size: int) -> Tensor:
    """Put values (B, P, C) of a list of pixels into images (B, S, S, C) of zeros."""
    batch, _, channels = values.shape
    canvas = values.new_zeros(batch, size * size + 1, channels)
    canvas = canvas.scatter(1, pixels[..., None].expand_as(values), values)
    return canvas[:, :-1].view(batch, size, size, channels)
