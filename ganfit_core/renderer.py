"""Differentiable rendering by deferred shading (Fast-GANFIT, Section 3.2, after Genova et al., CVPR 2018).

The rasteriser says, without gradients, which triangle covers each pixel. Everything else, barycentric
coordinates included, is recomputed from the projected vertices in torch. Inside the mask the gradients are
those of the image; the silhouette itself has none, so losses must be restricted to the mask or composited
over the photo.

What is computed per pixel is kept channels first, one contiguous plane per number: vectors of three laid out pixel by
pixel cost several times as much.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from ganfit_core.camera import NEAR, project
from ganfit_core.rasterize import Rasterizer, default_rasterizer
from ganfit_core.shading import phong, unit, vertex_normals

_TINY = 1e-12
"""Keeps the barycentrics of slivers, and their gradients, finite."""


class Fragments(NamedTuple):
    """What covers each pixel, and where in the triangle; barycentrics carry the gradient to the vertices."""

    face_id: Int64[Tensor, "b s s"]
    """Covering face, -1 where there is none."""
    barycentrics: Float[Tensor, "b 3 s s"]
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
        self.register_buffer("corner_uvs", at_corners(uvs[None], uv_faces), persistent=False)

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

        attributes = torch.cat([vertices, vertex_normals(vertices, self.faces)], dim=-1)
        points, normals = interpolate(ids, barycentrics, at_corners(attributes, self.faces)).split(3, dim=1)
        normals = unit(normals, dim=1)
        uv = interpolate(ids, barycentrics, self.corner_uvs.to(vertices.dtype))
        albedo = sample_texture(texture, uv.mT).mT
        colours = phong(albedo, normals, points, light, camera[:, :3])

        def image(values: Tensor) -> Tensor:
            return _scatter(values, compact.pixels, self.size)

        return Rendering(
            image=image(colours),
            mask=(face_id >= 0)[:, None].to(vertices.dtype),
            albedo=image(albedo),
            normals=image(normals),
            uv=image(uv).permute(0, 2, 3, 1),
            face_id=face_id,
            depth=image(compact.depth),
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


def at_corners(values: Float[Tensor, "b v c"], faces: Int64[Tensor, "f 3"]) -> Float[Tensor, "b c 3 f"]:
    """Per-vertex values at the corners of every face."""
    batch, _, channels = values.shape
    index = faces.t().reshape(-1).expand(batch, channels, -1)
    return values.mT.gather(2, index).view(batch, channels, 3, len(faces))


def interpolate(
    face_id: Int64[Tensor, "b *p"],
    barycentrics: Float[Tensor, "b 3 *p"],
    corner_values: Float[Tensor, "#b c 3 f"],
) -> Float[Tensor, "b c *p"]:
    """Interpolate values given at the corners of the faces: sum_i barycentric_i * corner_value_i.

    Args:
        face_id: face at each pixel (a grid or a list of pixels), -1 for none.
        barycentrics: weights of its corners, zero where there is no face.
        corner_values: C channels per corner, of one mesh for all images or of one mesh each.

    Returns:
        C channels per pixel, zero where there is no face.
    """
    return _WeightedSum.apply(barycentrics, _gather(face_id, corner_values))


class _WeightedSum(torch.autograd.Function):
    """sum_i weight_i * value_i of weights (B, 3, *P) and values (B, C, 3, *P); differentiable once.

    Left to itself, autograd writes all 3 C products to memory, which takes twice as long.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, values: Tensor) -> Tensor:
        ctx.save_for_backward(weights, values)
        total = weights[:, 0:1] * values[:, :, 0]
        return total.addcmul_(weights[:, 1:2], values[:, :, 1]).addcmul_(weights[:, 2:3], values[:, :, 2])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor | None]:
        weights, values = ctx.saved_tensors
        of_weights = gradient[:, 0:1] * values[:, 0]
        for channel in range(1, values.shape[1]):
            of_weights.addcmul_(gradient[:, channel : channel + 1], values[:, channel])
        of_values = gradient[:, :, None] * weights[:, None] if ctx.needs_input_grad[1] else None
        return of_weights, of_values


def sample_texture(texture: Float[Tensor, "b c h w"], uv: Float[Tensor, "b p 2"]) -> Float[Tensor, "b p c"]:
    """Bilinear texture look-up; (0, 0) is the bottom-left corner of the texture, (1, 1) its top-right one."""
    # Keeps the memory layout of `uv`.
    grid = uv * uv.new_tensor([2.0, -2.0]) + uv.new_tensor([-1.0, 1.0])
    colours = functional.grid_sample(texture, grid[:, None], padding_mode="border", align_corners=False)
    return colours[:, :, 0].mT


class _Compact(NamedTuple):
    """The covered pixels alone, padded to the largest count of the batch."""

    pixels: Tensor
    """(B, P) index into the flattened image, S * S for padding."""
    face_id: Tensor
    """(B, P), -1 for padding."""
    barycentrics: Tensor
    """(B, 3, P), arbitrary for padding."""
    depth: Tensor
    """(B, 1, P), arbitrary for padding."""


def _rasterise(screen: Tensor, faces: Tensor, size: int, rasterizer: Rasterizer) -> tuple[Tensor, _Compact]:
    """Face per pixel (B, S, S), and the covered pixels with differentiable barycentrics."""
    face_id = rasterizer(screen.detach(), faces, size)
    flat = face_id.flatten(1)
    covered = flat >= 0
    count = covered.cumsum(1)
    # At least one, as empty views must pass through grid_sample too.
    longest = max(1, int(count[:, -1].max()))
    # Every covered pixel goes to its place in the list; the others to a place after the end.
    place = torch.where(covered, count - 1, longest)
    every_pixel = torch.arange(size * size, device=flat.device).expand_as(flat)
    pixels = torch.full((len(flat), longest + 1), size * size, device=flat.device)
    pixels = pixels.scatter_(1, place, every_pixel)[:, :-1]
    ids = functional.pad(flat, (0, 1), value=-1).gather(1, pixels)
    # Looked up, since dividing integers by the width is slow.
    axis = torch.arange(size, device=screen.device, dtype=screen.dtype) + 0.5
    every_centre = functional.pad(torch.cartesian_prod(axis, axis).flip(1).mT, (0, 1)).expand(len(flat), -1, -1)
    centres = every_centre.gather(2, pixels[:, None].expand(-1, 2, -1))

    corners = _gather(ids, at_corners(screen, faces))
    barycentrics = barycentric_coordinates(corners, centres)
    depth = _WeightedSum.apply(barycentrics, corners[:, 2:])
    return face_id, _Compact(pixels, ids, barycentrics, depth)


def barycentric_coordinates(
    corners: Float[Tensor, "b 3 3 *p"], points: Float[Tensor, "b 2 *p"]
) -> Float[Tensor, "b 3 *p"]:
    """Perspective-correct barycentric coordinates of screen points in projected triangles.

    The weights on the screen w_i (areas of the sub-triangles) are divided by the corners' depths, clamped to at least
    0, as the rounding of vertices can leave a pixel centre just outside a thin triangle, and normalised.

    Args:
        corners: x, y in pixels and depth (dimension 1) of each triangle's corners (dimension 2).
        points: x, y in pixels.
    """
    x, y, depth = corners.unbind(1)
    # Component i of the cross product is x_j y_k - x_k y_j, twice the area between the point and the edge from j to k.
    areas = torch.linalg.cross(x - points[:, :1], y - points[:, 1:], dim=1)
    weights = areas / depth.clamp_min(NEAR)
    # All of one sign inside, negative for one of the two windings.
    sign = torch.where(weights.detach().sum(1, keepdim=True) < 0, -1.0, 1.0)
    weights = (weights * sign).clamp_min(0)
    return weights / weights.sum(1, keepdim=True).clamp_min(_TINY)


def _gather(face_id: Tensor, corner_values: Tensor) -> Tensor:
    """Corner values (B, C, 3, *P) of the face at each pixel; those of face 0 where there is none."""
    _, channels, corners, _ = corner_values.shape
    batch = len(face_id)
    index = face_id.clamp_min(0).flatten(1)[:, None].expand(-1, channels * corners, -1)
    values = corner_values.flatten(1, 2).expand(batch, -1, -1).gather(2, index)
    return values.view(batch, channels, corners, *face_id.shape[1:])


def _scatter(values: Tensor, pixels: Tensor, size: int) -> Tensor:
    """Put values (B, C, P) of a list of pixels into images (B, C, S, S) of zeros."""
    batch, channels, _ = values.shape
    canvas = values.new_zeros(batch, channels, size * size + 1)
    canvas.scatter_(2, pixels[:, None].expand_as(values), values)
    return canvas[..., :-1].unflatten(2, (size, size))
