"""What a score asks of the network whose features it compares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self

from jaxtyping import Float
from torch import Tensor, nn


class FeatureExtractor(nn.Module, ABC):
    """A frozen network, image -> feature vector; no parameter asks for a gradient, and it never leaves eval mode."""

    name: ClassVar[str]
    """Id of the network in tables, and of the asset with its weights."""
    version: ClassVar[str]
    """Of the code: another one when it makes other features of the same weights and images. Features are remembered by
    it."""
    metric: ClassVar[str]
    """What the Frechet distance of its features may be called."""
    input_size: ClassVar[int]
    """Side in pixels of the images it reads."""
    dim: ClassVar[int]
    """Length of a feature vector."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path) -> Self:
        """Read the weights. Raises ValueError for a file that does not hold them."""

    @abstractmethod
    def forward(self, images: Float[Tensor, "b 3 s s"]) -> Float[Tensor, "b d"]:
        """Features of RGB images in [0, 1] whose side is `input_size`."""

    def train(self, mode: bool = True) -> Self:
        """Ignore `mode`: the network is a fixed measure."""
        return super().train(False)
