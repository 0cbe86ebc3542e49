"""Completes partial UV maps by symmetry and by what many maps have in common."""

from __future__ import annotations

import functools
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

# Mirrored texels are trusted less than seen ones: faces are nearly, not exactly, symmetric.
_MIRROR_TRUST = 0.6
_SPREAD_FROM = 0.5
_SURROUNDINGS_TRUST = 0.7
_ROBUST_ROUNDS = 3
# On the border of the face, a patch whose logarithm departs this far from the skin's is half believed.
_FOREIGN_LUMINANCE, _FOREIGN_CHROMA = 0.35, 0.13
# A patch this far (RMS of RGB in [0, 1]) from what the rest of the map makes likely is half believed.
_OUTLIER = 0.14


def mirrored(texture: Float[Tensor, "b c r r"]) -> Float[Tensor, "b c r r"]:
    """The map of the mirrored face; the UV layout is symmetric, u -> 1 - u."""
    return texture.flip(-1)


def diffuse(values: Float[Tensor, "b c r r"], weight: Float[Tensor, "b 1 r r"]) -> Float[Tensor, "b c r r"]:
    """Spreads values from where they are known over the whole map (push-pull, after Gortler et al. 1996).

    `weight` in [0, 1] says how well each texel is known; texels of weight 1 keep their value, unknown ones take the
    average of the finest neighbourhood that knows something.
    """
    if values.shape[-1] == 1:
        return values
    total = functional.avg_pool2d(weight, 2)
    coarse = functional.avg_pool2d(values * weight, 2) / total.clamp_min(1e-6)
    filled = diffuse(coarse, (total * 4).clamp(0, 1))
    up = functional.interpolate(filled, size=values.shape[-2:], mode="bilinear", align_corners=False)
    return weight * values + (1 - weight) * up


def add_mirror_image(
    texture: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"]
) -> tuple[Float[Tensor, "b 3 r r"], Float[Tensor, "b 1 r r"]]:
    """Fills texels seen badly from their mirror images seen better, after matching the two sides' colours."""
    other, other_confidence = mirrored(texture), mirrored(confidence) * _MIRROR_TRUST
    # The sides differ by left-over shading, smooth by nature: carry it over from where both sides are seen.
    both = (confidence * other_confidence).sqrt()
    offset = diffuse((texture - other) * (both > 0), both.clamp(0, 1))
    other = (other + offset).clamp(0, 1)
    share = (other_confidence - confidence).clamp(0, 1)
    share = share / (share + confidence).clamp_min(1e-6)
    return (1 - share) * texture + share * other, torch.maximum(confidence, other_confidence)


class Skin(NamedTuple):
    """The skin of each face of a batch, and where its map shows something else."""

    colour: Float[Tensor, "b 3 1 1"]
    """In [0, 1]: the robust mean of the logarithms."""
    strangeness: Float[Tensor, "b 1 r r"]
    """Squared departure of a patch's logarithm from the skin's; 1 at the scale where it is half believed."""


def skin_of(
    texture: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"], inner: Float[Tensor, "r r"]
) -> Skin:
    """The colour of a face's skin, judged by the part `inner` of the map, and what departs from it anywhere."""
    width = 2 * (texture.shape[-1] // 64) + 1
    patch, seen = (_box(x, width) for x in (texture * confidence, confidence))
    logs = (patch / seen.clamp_min(1e-3)).clamp_min(0.01).log()
    weight = confidence * inner
    for _ in range(_ROBUST_ROUNDS):
        colour = (logs * weight).sum(dim=(2, 3), keepdim=True) / weight.sum(dim=(2, 3), keepdim=True).clamp_min(1e-6)
        departure = logs - colour
        luminance = departure.mean(dim=1, keepdim=True)
        chroma = (departure - luminance).square().sum(dim=1, keepdim=True)
        strangeness = (luminance / _FOREIGN_LUMINANCE) ** 2 + chroma / _FOREIGN_CHROMA**2
        weight = confidence * inner / (1 + strangeness)
    return Skin(colour.exp(), strangeness)


def without_foreign(
    confidence: Float[Tensor, "b 1 r r"], skin: Skin, border: Float[Tensor, "r r"]
) -> Float[Tensor, "b 1 r r"]:
    """The confidence, lowered on the border of the face where it is not skin: hair, caps, collars, background."""
    return confidence * (1 - border + border / (1 + skin.strangeness**2))


def add_surroundings(
    texture: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"], skin: Skin, face: Float[Tensor, "r r"]
) -> tuple[Float[Tensor, "b 3 r r"], Float[Tensor, "b 1 r r"]]:
    """Paints what lies outside the face, of which photographs show hair and clothes, in the colour of its skin."""
    outside = _SURROUNDINGS_TRUST * (1 - face)
    total = confidence + outside
    return (texture * confidence + skin.colour * outside) / total.clamp_min(1e-6), total.clamp(max=1)


class TextureStatistics:
    """Mean and principal components of UV maps with missing texels; fills what was never seen.

    Attributes:
        mean: (3, r, r); basis: (k, 3, r, r), one standard deviation each; noise: the standard deviation left over.
    """

    def __init__(self, mean: Tensor, basis: Tensor, noise: float) -> None:
        self.mean, self.basis, self.noise = mean, basis, noise

    @functools.cached_property
    def _texel_grams(self) -> Tensor:
        """(r r, k k): each texel's part of the basis' Gram matrix."""
        texels = self.basis.flatten(2)
        return torch.einsum("icn,jcn->nij", texels, texels).flatten(1)

    @classmethod
    def learn(
        cls,
        textures: Float[Tensor, "n 3 r r"],
        confidence: Float[Tensor, "n 1 r r"],
        components: int,
        rounds: int = 3,
    ) -> TextureStatistics:
        """Expectation-maximisation: fill with the current statistics, then re-estimate them."""
        weight = confidence.sum(dim=0)
        mean = (textures * confidence).sum(dim=0) / weight.clamp_min(1e-6)
        mean = diffuse(mean[None], (weight[None] / (0.02 * len(textures))).clamp(0, 1))[0]
        found = cls(mean, torch.zeros(0, *mean.shape), 0.1)
        for _ in range(rounds):
            filled = found.fill(textures, confidence)
            mean = filled.mean(dim=0)
            centred = (filled - mean).flatten(1)
            generator_state = torch.random.get_rng_state()
            torch.manual_seed(0)
            _, s, v = torch.svd_lowrank(centred, q=components + 10, niter=2)
            torch.random.set_rng_state(generator_state)
            sigma = s[:components] / len(textures) ** 0.5
            left = (centred.square().sum() - s[:components].square().sum()) / centred.numel()
            basis = (v[:, :components] * sigma).T.unflatten(1, mean.shape)
            found = cls(mean, basis, float(left.clamp_min(1e-6).sqrt()))
        return found

    def fill(
        self, textures: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"]
    ) -> Float[Tensor, "b 3 r r"]:
        """Seen texels stay, unseen ones take the most likely map given the seen ones; the seam between is blended."""
        guess = self.most_likely(textures, confidence)
        # What little is known at the border of the seen part must not be spread: it is there that hair and background
        # leak in.
        certain = ((confidence - _SPREAD_FROM) / (1 - _SPREAD_FROM)).clamp(0, 1)
        residual = diffuse((textures - guess) * (confidence > 0), certain)
        return (guess + confidence * (textures - guess) + (1 - confidence) * residual).clamp(0, 1)

    def without_outliers(
        self, textures: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"]
    ) -> Float[Tensor, "b 1 r r"]:
        """The confidence, lowered where a patch of texels is unlikely given the rest: background, caps, fringes."""
        error = (textures - self.most_likely(textures, confidence)).square().mean(dim=1, keepdim=True)
        width = 2 * (textures.shape[-1] // 32) + 1
        patch, seen = (_box(x, width) for x in (error * confidence, confidence))
        return confidence / (1 + (patch / seen.clamp_min(1e-3) / _OUTLIER**2) ** 2)

    def oddity(self, textures: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"]) -> Float[Tensor, " b"]:
        """Root mean square distance of the seen texels from the most likely map: high for hats, hands and shadows."""
        error = (textures - self.most_likely(textures, confidence)).square().mean(dim=1, keepdim=True)
        return ((error * confidence).sum(dim=(1, 2, 3)) / confidence.sum(dim=(1, 2, 3)).clamp_min(1e-6)).sqrt()

    def most_likely(
        self, textures: Float[Tensor, "b 3 r r"], confidence: Float[Tensor, "b 1 r r"]
    ) -> Float[Tensor, "b 3 r r"]:
        """Posterior mean of probabilistic PCA with per-texel weights (Tipping and Bishop 1999).

        Maps finer than the statistics are averaged down first and the answer is interpolated: what fills a hole has
        no fine detail.
        """
        side, fine = self.mean.shape[-1], textures.shape[-1]
        if fine != side:
            weight = functional.adaptive_avg_pool2d(confidence, side)
            coarse = functional.adaptive_avg_pool2d(textures * confidence, side) / weight.clamp_min(1e-6)
            guess = self.most_likely(coarse, weight)
            return functional.interpolate(guess, size=(fine, fine), mode="bilinear", align_corners=False)
        if len(self.basis) == 0:
            return self.mean.expand_as(textures)
        a = self.basis.flatten(1)
        # Neighbouring texels err together: one in sixteen counts as evidence of its own.
        precision = 1 / (16 * self.noise**2)
        rhs = precision * (confidence * (textures - self.mean)).flatten(1) @ a.T
        gram = (confidence.flatten(1) @ self._texel_grams).view(-1, len(a), len(a))
        scores = torch.linalg.solve(precision * gram + torch.eye(len(a), device=a.device), rhs)
        return (self.mean.flatten() + scores @ a).view_as(textures)


def _box(x: Tensor, width: int) -> Tensor:
    # Row by row, then column by column: a square window costs ten times as much.
    x = functional.avg_pool2d(x, (1, width), 1, (0, width // 2))
    return functional.avg_pool2d(x, (width, 1), 1, (width // 2, 0))
