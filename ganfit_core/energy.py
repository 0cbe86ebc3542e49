"""The energy E(p) of GANFIT (Fast-GANFIT, Eq. 9 to 13): six terms, each per image and each to be switched off.

E = w_id L_id + w^_id L^_id + w_con L_con + w_pix L_pix + w_lan L_lan + w_reg Reg
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.landmark_fit import landmark_loss, shape_prior
from ganfit_core.mixed_precision import bfloat16
from ganfit_core.morphable import MorphableModel
from ganfit_core.parameters import LIGHT_MEAN, LIGHT_SCALE, Parameters, random_view
from ganfit_core.renderer import Renderer, Rendering, sample_texture
from ganfit_core.texture.model import TextureModel
from ganfit_core.unwrap import face_weight

TERMS = ("identity", "identity_random", "content", "pixel", "landmark", "regularisation")
PRIORS = ("identity_prior", "expression_prior", "light_prior")
"""Weights of the parts of the regularisation term."""
VIEW_SIZE = 160
"""Most pixels a side of the random view's rendering, which nothing but the identity network looks at: its own crop of
the face has 150."""


@dataclass(frozen=True)
class Weights:
    """The lambdas of Eq. 13. A weight of 0 switches its term off, and its cost too."""

    identity: float = 2.0
    """Of L_id (Eq. 9)."""
    identity_random: float = 2.0
    """Of L^_id, the same on a rendering with random expression, camera and light."""
    content: float = 50.0
    """Of L_con (Eq. 10)."""
    pixel: float = 1.0
    """Of L_pix (Eq. 11)."""
    landmark: float = 0.001
    """Of L_lan (Eq. 12)."""
    identity_prior: float = 0.05
    """Of Reg(p_s)."""
    expression_prior: float = 0.05
    """Of Reg(p_e)."""
    light_prior: float = 0.01
    """Of Reg(p_l)."""

    def without(self, *names: str) -> Weights:
        """The same weights with some switched off, by the names of these fields; "regularisation" is all three priors.

        Raises ValueError for another name.
        """
        every = [field.name for field in dataclasses.fields(self)]
        unknown = sorted(set(names) - {*every, "regularisation"})
        if unknown:
            raise ValueError(f"no such term: {', '.join(unknown)}; the terms are {', '.join(every)}, regularisation")
        off = {*names, *(PRIORS if "regularisation" in names else ())} - {"regularisation"}
        return dataclasses.replace(self, **dict.fromkeys(off, 0.0))


class Target(NamedTuple):
    """What the photographs say, computed once."""

    photo: Float[Tensor, "b 3 s s"]
    landmarks: Float[Tensor, "b 68 2"]
    inside: Float[Tensor, "b 1 s s"]
    """1 where the crop shows the photograph, 0 where it had to be made up beyond the photograph's edge."""
    features: IdentityFeatures

    def rows(self, index: Tensor | list[int]) -> Target:
        """Some images of the batch."""
        features = IdentityFeatures(self.features.embedding[index], tuple(a[index] for a in self.features.activations))
        return Target(self.photo[index], self.landmarks[index], self.inside[index], features)


class Formation:
    """The image formation at some parameters; each part is computed when it is first asked for, and once."""

    def __init__(self, parameters: Parameters, energy: Energy) -> None:
        self.parameters = parameters
        self._energy = energy

    @functools.cached_property
    def vertices(self) -> Float[Tensor, "b v 3"]:
        """S(p_s, p_e) in mm."""
        return self._energy.model(self.parameters.identity, self.parameters.expression)

    @functools.cached_property
    def texture(self) -> Float[Tensor, "b 3 r r"]:
        """G(p_t), RGB in [0, 1]."""
        return self._energy.textures(self.parameters.texture)

    @functools.cached_property
    def rendering(self) -> Rendering:
        """I_R (Eq. 7)."""
        return self._energy.renderer(self.vertices, self.texture, self.parameters.camera, self.parameters.light)


class Energy:
    """Evaluates the terms for a batch of photographs.

    Args:
        model, texture_model, renderer, network: the parts of the image formation and the feature space.
        weights: the lambdas.
        mixed_precision: let texture model and network compute in bfloat16 where the machine is good at it: half of
            their time, and cosines off by some thousandths.
    """

    def __init__(
        self,
        model: MorphableModel,
        texture_model: TextureModel,
        renderer: Renderer,
        network: IdentityNetwork,
        weights: Weights,
        mixed_precision: bool = False,
    ) -> None:
        self.model, self.texture_model, self.mixed_precision = model, texture_model, mixed_precision
        self.renderer, self.network, self.weights = renderer, network, weights
        size = min(renderer.size, VIEW_SIZE)
        self.view_renderer = Renderer(model.faces, model.uvs, model.uv_faces, size, renderer.rasterizer)
        # Hair and clothes have no place in the model: the pixel term compares skin, eyes and mouth only.
        self.face_texels = face_weight(model, texture_model.resolution)

    def target(
        self,
        photo: Float[Tensor, "b 3 s s"],
        landmarks: Float[Tensor, "b 68 2"],
        inside: Float[Tensor, "b 1 s s"] | None = None,
    ) -> Target:
        """Features of the photographs (RGB in [0, 1]; landmarks in pixels; `inside` everywhere unless given)."""
        with torch.no_grad():
            everywhere = torch.ones_like(photo[:, :1])
            return Target(photo, landmarks, everywhere if inside is None else inside, self.features(photo, landmarks))

    def form(self, parameters: Parameters) -> Formation:
        """The image formation at some parameters."""
        return Formation(parameters, self)

    def textures(self, latent: Float[Tensor, "b d"]) -> Float[Tensor, "b 3 r r"]:
        """G(p_t), RGB in [0, 1]."""
        with bfloat16(latent.device, self.mixed_precision):
            return self.texture_model(latent).to(latent)

    def features(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> IdentityFeatures:
        """What the identity network says of faces with landmarks in pixels."""
        aligned = self.network.align(images, landmarks)
        with bfloat16(aligned.device, self.mixed_precision):
            found = self.network.features(aligned)
        return IdentityFeatures(found.embedding.to(aligned), tuple(a.to(aligned) for a in found.activations))

    def compared(self, rendering: Rendering) -> Float[Tensor, "b 1 s s"]:
        """How much each pixel counts in the pixel term, in [0, 1]: the visible face, fading out at its border."""
        batch, size = len(rendering.uv), rendering.uv.shape[1]
        texels = self.face_texels[None, None].expand(batch, -1, -1, -1)
        weight = sample_texture(texels, rendering.uv.detach().flatten(1, 2)).view(batch, 1, size, size)
        return weight * rendering.mask

    def terms(
        self, parameters: Parameters, target: Target, generator: torch.Generator
    ) -> dict[str, Float[Tensor, " b"]]:
        """Unweighted value of every switched-on term; 0 for the others."""
        return self.terms_of(self.form(parameters), target, generator)

    def terms_of(self, formed: Formation, target: Target, generator: torch.Generator) -> dict[str, Float[Tensor, " b"]]:
        """`terms` where the image formation is at hand."""
        parameters, weights = formed.parameters, self.weights
        zero = parameters.camera.new_zeros(len(parameters.camera))
        out = dict.fromkeys(TERMS, zero)
        if weights.landmark:
            points = project(self.model.landmarks(formed.vertices), parameters.camera, self.renderer.size)
            out["landmark"] = landmark_loss(points[..., :2], target.landmarks, self.renderer.size)
        if weights.identity or weights.content or weights.pixel:
            rendering = formed.rendering
            if weights.pixel:
                compared = self.compared(rendering) * target.inside
                difference = ((rendering.image - target.photo).abs() * compared).sum(dim=(1, 2, 3))
                out["pixel"] = difference / (3 * compared.sum(dim=(1, 2, 3))).clamp_min(1)
            if weights.identity or weights.content:
                # The silhouette has no gradient, so what lies outside is the photograph itself: no false edges.
                composite = rendering.image.clamp(0, 1) + (1 - rendering.mask) * target.photo
                features = self.features(composite, target.landmarks)
                if weights.identity:
                    out["identity"] = 1 - (features.embedding * target.features.embedding).sum(dim=1)
                if weights.content:
                    out["content"] = content_distance(features, target.features)
        if weights.identity_random:
            other = random_view(parameters, generator)
            embedding = self._embedding(other, formed.texture)
            out["identity_random"] = 1 - (embedding * target.features.embedding).sum(dim=1)
        out["regularisation"] = self._prior(parameters)
        return out

    def total(self, terms: dict[str, Float[Tensor, " b"]]) -> Float[Tensor, " b"]:
        """The weighted sum, Eq. 13; the regularisation term comes weighted already."""
        w = self.weights
        return (
            w.identity * terms["identity"]
            + w.identity_random * terms["identity_random"]
            + w.content * terms["content"]
            + w.pixel * terms["pixel"]
            + w.landmark * terms["landmark"]
            + terms["regularisation"]
        )

    def _embedding(self, parameters: Parameters, texture: Tensor) -> Tensor:
        vertices = self.model(parameters.identity, parameters.expression)
        image = self.view_renderer(vertices, texture, parameters.camera, parameters.light).image.clamp(0, 1)
        points = project(self.model.landmarks(vertices), parameters.camera, self.view_renderer.size)[..., :2]
        return self.features(image, points.detach()).embedding

    def _prior(self, parameters: Parameters) -> Tensor:
        """lambda_reg Reg(p_s, p_e, p_l) (Eq. 4)."""
        light = (parameters.light - parameters.light.new_tensor(LIGHT_MEAN)) / parameters.light.new_tensor(LIGHT_SCALE)
        w = self.weights
        identity = w.identity_prior**0.5 * parameters.identity
        expression = w.expression_prior**0.5 * parameters.expression
        return shape_prior(identity, expression) + w.light_prior * light.square().mean(dim=1)


def content_distance(one: IdentityFeatures, other: IdentityFeatures) -> Float[Tensor, " b"]:
    """L_con (Eq. 10): sum over layers of ||F_j(I_0) - F_j(I_R)||_2 / (H_j W_j C_j)."""
    total = one.embedding.new_zeros(len(one.embedding))
    for a, b in zip(one.activations, other.activations, strict=True):
        # The root of an exact zero has no gradient; the smallest float above it does no harm.
        total = total + ((a - b).square().flatten(1).sum(dim=1) + 1e-12).sqrt() / a[0].numel()
    return total
