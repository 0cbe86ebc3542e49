"""What the fitting asks of a face recognition network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn


class IdentityFeatures(NamedTuple):
    """What a network says of a batch of faces.

    Attributes:
        embedding: (B, D), unit norm, so that a dot product is the cosine of the identity loss
            (Fast-GANFIT, Eq. 9).
        activations: one (B, C_j, H_j, W_j) tensor per resolution of the network, fine to coarse: the F^j of
            the content loss (Fast-GANFIT, Eq. 10). One per resolution rather than one per convolution keeps
            the graph small; neighbouring layers of one resolution say nearly the same.
    """

    embedding: Float[Tensor, "b d"]
    activations: tuple[Float[Tensor, "b _c _h _w"], ...]


class IdentityNetwork(nn.Module, ABC):
    """A frozen face recognition network: no parameter asks for a gradient, and it never leaves eval mode."""

    input_size: ClassVar[int]
    """Side in pixels of the square crop that the network reads."""
    embedding_dim: ClassVar[int]
    """Length D of the embedding."""

    @abstractmethod
    def align(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 s s"]:
        """Cut the crop that the network was trained on.

        Args:
            images: RGB in [0, 1].
            landmarks: iBUG 68 points in pixels, pixel centres at half-integers.

        Returns:
            RGB in [0, 1], side `input_size`, black outside the image. Differentiable with respect to the
            images, and to the landmarks too where they ask for it (detach them to hold the crop still).
        """

    @abstractmethod
    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        """Embedding and activations of crops made by `align`."""

    def forward(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> IdentityFeatures:
        """`features(align(images, landmarks))`."""
        return self.features(self.align(images, landmarks))

    def train(self, mode: bool = True) -> IdentityNetwork:
        """Ignore `mode`: the network is a fixed measure, also inside a module that is being trained."""
        return super().train(False)
