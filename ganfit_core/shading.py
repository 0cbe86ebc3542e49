"""Vertex normals and Phong shading (Fast-GANFIT, Section 3.2; ``light`` is p_l)."""

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.autograd.function import once_differentiable

SPECULAR = 0.05
"""Specular reflectance of skin; small, so that the texture and not the highlight explains the photo."""

SHININESS = 10
"""Exponent of the specular lobe."""


def unit(vectors: Tensor, dim: int) -> Tensor:
    """Vectors of norm 1 along a dimension; those shorter than 1e-12, zero included, are only made 1e12 times longer.

    Differentiable once.
    """
    return _Unit.apply(vectors, dim)


class _Unit(torch.autograd.Function):
    """With u = v / |v|, dv is du less its part along u, over |v|.

    Left to itself, autograd keeps and passes over twice as many vectors; functional.normalize is slower still along
    any dimension but the last.
    """

    @staticmethod
    def forward(ctx: Any, vectors: Tensor, dim: int) -> Tensor:
        inverse_norm = (vectors * vectors).sum(dim, keepdim=True).clamp_min_(1e-24).rsqrt_()
        directions = vectors * inverse_norm
        ctx.save_for_backward(directions, inverse_norm)
        ctx.dim = dim
        return directions

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        directions, inverse_norm = ctx.saved_tensors
        along = (gradient * directions).sum(ctx.dim, keepdim=True)
        return torch.addcmul(gradient, directions, along, value=-1).mul_(inverse_norm), None


def vertex_normals(vertices: Float[Tensor, "b v 3"], faces: Int64[Tensor, "f 3"]) -> Float[Tensor, "b v 3"]:
    """Unit normals: the area-weighted mean over the adjacent faces, zero where a vertex has none."""
    batch = len(vertices)
    # Channels first: sums over adjacent faces then run along contiguous memory.
    index = faces.t().reshape(1, 1, -1).expand(batch, 3, -1)
    first, second, third = vertices.mT.contiguous().gather(2, index).chunk(3, dim=2)
    # The cross product's length is twice the area: summing it unnormalised is the weighting.
    cross = torch.linalg.cross(second - first, third - first, dim=1)
    total = torch.zeros_like(vertices.mT).scatter_add(2, index, cross.repeat(1, 1, 3))
    return unit(total, dim=1).mT


def phong(
    albedo: Float[Tensor, "b 3 n"],
    normals: Float[Tensor, "b 3 n"],
    points: Float[Tensor, "b 3 n"],
    light: Float[Tensor, "b 9"],
    eye: Float[Tensor, "b 3"],
) -> Float[Tensor, "b 3 n"]:
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
    position, colour, ambient = light[:, :, None].split(3, dim=1)
    to_light = unit(position - points, dim=1)
    to_eye = unit(eye[:, :, None] - points, dim=1)
    cosine = _dot(normals, to_light)
    # r.v with r = 2 (n.l) n - l.
    mirrored = 2 * cosine * _dot(normals, to_eye) - _dot(to_light, to_eye)
    specular = SPECULAR * torch.where(cosine > 0, mirrored.clamp_min(0) ** SHININESS, 0)
    return albedo * (ambient + colour * cosine.clamp_min(0)) + colour * specular


def _dot(one: Float[Tensor, "b 3 n"], other: Float[Tensor, "b 3 n"]) -> Float[Tensor, "b 1 n"]:
    return (one * other).sum(dim=1, keepdim=True)
