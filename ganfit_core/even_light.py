"""Takes a photograph's lighting out of its UV map."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_LUMINANCE = (0.299, 0.587, 0.114)
_DARKEST = 0.02
# Ridge on the harmonics' coefficients: about (0.15 / 0.3)^2 / 12, the residual's and the coefficients' standard
# deviations over the independent patches of a face.
_RIDGE = 0.02
_ROBUST_ROUNDS = 5
# A residual (of the logarithm) beyond this is beard, brow or hair rather than light.
_ROBUST_SCALE = 0.15
# How much of a map's departure from the usual skin chroma is taken for skin; the rest is the lamps' colour.
_CHROMA_KEPT = 0.5


class Evened(NamedTuple):
    """Maps without their photographs' light."""

    textures: Float[Tensor, "b 3 r r"]
    contrast: Float[Tensor, " b"]
    """Standard deviation, over the skin, of the logarithm of the light that was divided out."""


def log_reference(
    textures: Float[Tensor, "n 3 r r"], confidence: Float[Tensor, "n 1 r r"], skin: Float[Tensor, "r r"]
) -> tuple[Float[Tensor, "3 r r"], Float[Tensor, " 3"]]:
    """What many maps have in common, in logarithms: the mean map relative to its skin, and the mean skin tone.

    The mean map is made symmetric: lamps to the left and to the right cancel, so that its light is nearly even.
    Texels that no map shows are 0, like the skin's average.
    """
    logs = textures.clamp_min(_DARKEST).log()
    tones = _mean_over(logs, confidence * skin)
    total = confidence.sum(dim=0)
    summed = ((logs - tones) * confidence).sum(dim=0)
    mean = (summed + summed.flip(-1)) / (total + total.flip(-1)).clamp_min(1e-3)
    seen = (confidence * skin).sum(dim=(1, 2, 3)) > 0
    return mean, tones[seen].mean(dim=(0, 2, 3))


def even_light(
    textures: Float[Tensor, "b 3 r r"],
    confidence: Float[Tensor, "b 1 r r"],
    normals: Float[Tensor, "b 3 s s"],
    reference: Float[Tensor, "3 s s"],
    tone: Float[Tensor, " 3"],
    skin: Float[Tensor, "s s"],
) -> Evened:
    """Divides out the shading of photographs, keeping their brightness, and half of their departure in skin chroma.

    The logarithm of the ratio between a map and the reference, the channels weighed as in luminance, is fitted, map by
    map, by second-order spherical harmonics of the normal (nine coefficients explain diffuse shading: Ramamoorthi and
    Hanrahan 2001), on skin alone and robustly (Cauchy weights), so that hair and beards are not mistaken for shadow.
    Only the part that varies over the face is removed.

    Args:
        textures: in [0, 1].
        confidence: in [0, 1]; a map without any is returned as it is.
        normals: unit normals, model frame, at a side s that divides r.
        reference, tone: from `log_reference`, at side s.
        skin: where there is skin, in [0, 1], at side s.
    """
    side = normals.shape[-1]
    weight = functional.adaptive_avg_pool2d(confidence, side)
    small = functional.adaptive_avg_pool2d(textures * confidence, side) / weight.clamp_min(1e-6)
    logs, weight = small.clamp_min(_DARKEST).log(), weight * skin
    luminance = textures.new_tensor(_LUMINANCE)[:, None, None]
    ratio = ((logs - reference) * luminance).sum(dim=1, keepdim=True)
    shading = _smooth_part(ratio, weight, normals)

    own = _mean_over(logs - shading, weight)
    excess = own - tone[:, None, None]
    cast = excess - (excess * luminance).sum(dim=1, keepdim=True)
    seen = weight.sum(dim=(1, 2, 3), keepdim=True) > 0
    correction = (shading + (1 - _CHROMA_KEPT) * cast) * seen
    fine = functional.interpolate(correction, size=textures.shape[-2:], mode="bilinear", align_corners=False)
    contrast = _mean_over(shading.square(), weight).sqrt().flatten()
    return Evened((textures * (-fine).exp()).clamp(0, 1), contrast)


def _mean_over(logs: Tensor, weight: Tensor) -> Tensor:
    """(B, C, 1, 1) weighted mean."""
    total = weight.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
    return (logs * weight).sum(dim=(2, 3), keepdim=True) / total


def _smooth_part(ratio: Tensor, weight: Tensor, normals: Tensor) -> Tensor:
    basis, y, trust = _harmonics(normals).flatten(2), ratio.flatten(2), weight.flatten(2)
    ridge = torch.full((9,), _RIDGE, device=ratio.device)
    ridge[0] = 1e-6  # the average is free
    robust = torch.ones_like(y)
    for _ in range(_ROBUST_ROUNDS):
        w = trust * robust
        w = w / w.sum(dim=2, keepdim=True).clamp_min(1e-6)
        gram = (basis * w) @ basis.transpose(1, 2) + torch.diag(ridge)
        solution = torch.linalg.solve(gram, (basis * w) @ y.transpose(1, 2)).transpose(1, 2)
        robust = 1 / (1 + ((y - solution @ basis) / _ROBUST_SCALE) ** 2)
    varying = (solution[:, :, 1:] @ basis[:, 1:]).view_as(ratio)
    return varying - _mean_over(varying, weight)


def _harmonics(normals: Float[Tensor, "b 3 r r"]) -> Float[Tensor, "b 9 r r"]:
    x, y, z = normals.unbind(dim=1)
    one = torch.ones_like(x)
    return torch.stack([one, x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], dim=1)
