"""Vertex normals and Phong shading (Fast-GANFIT, Section 3.2; ``light`` is p_l)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

SPECULAR = 0.05
"""Specular reflectance of skin; small, so that the texture and not the highlight explains the photo."""

SHININESS = 10
"""Exponent of the specular lobe."""


def vertex_normals(vertices: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"]) -> Float[Tensor, "b v 3"]:
    """Unit normals: the area-weighted mean over the adjacent faces, zero where a vertex has none."""
    batch, n_vertices, _ = vertices.shape
    offset = torch.arange(batch, device=faces.device)[:, None] * n_vertices
    first, second, third = ((faces[:, i] + offset).reshape(-1) for i in range(3))
    flat = vertices.reshape(-1, 3)
    origin = flat.index_select(0, first)
    # The cross product's length is twice the area: summing it unnormalised is the weighting.
    cross = torch.linalg.cross(flat.index_select(0, second) - origin, flat.index_select(0, third) - origin)
    index = torch.cat([first, second, third])
    total = torch.zeros_like(flat).index_add(0, index, cross.repeat(3, 1))
    return functional.normalize(total, dim=-1).view(batch, n_vertices, 3)


def phong(
    albedo: Float[Tensor, "b n 3"],
    normals: Float[Tensor, "b n 3"],
    points: Float[Tensor, "b n 3"],
    light: Float[Tensor, "b 9"],
    eye: Float[Tensor, "b 3"],
) -> Float[Tensor, "b n 3"]:
    """Phong's reflection model with one point light, without falloff or shadows.

    ambient * albedo + colour * (albedo * max(n.l, 0) + SPECULAR * max(r.v, 0)^SHININESS), r being l mirrored
    about n; the specular term is dropped where the light is behind the surface.

    Args:
        albedo: RGB.
        normals: unit, outward.
        points: mm.
        light: position (3) in mm, colour (3), ambient (3).
        eye: mm.

    Returns:
        RGB, not clipped: bright lights exceed 1.
    """
    position, colour, ambient = light[:, None].split(3, dim=-1)
    to_light = functional.normalize(position - points, dim=-1)
    to_eye = functional.normalize(eye[:, None] - points, dim=-1)
    cosine = (normals * to_light).sum(-1, keepdim=True)
    mirrored = 2 * cosine * normals - to_light
    lobe = (mirrored * to_eye).sum(-1, keepdim=True).clamp_min(0) ** SHININESS
    specular = SPECULAR * torch.where(cosine > 0, lobe, 0)
    return albedo * (ambient + colour * cosine.clamp_min(0)) + colour * specular
