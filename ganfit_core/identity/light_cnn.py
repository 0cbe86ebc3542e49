"""LightCNN-29 v2 (Wu et al., IEEE TIFS 2018): max-feature-map activations, 128x128 grey to 256 numbers."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, normalize

from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.chip import extract_chip, five_points, invert_similarity
from ganfit_core.identity.published import load_published

# Where the authors' alignment puts the point between the eyes, and how far below it the middle of the mouth.
_EYES = (64.0, 40.0)
_EYES_TO_MOUTH = 48.0

# Luma of RGB (ITU-R BT.601), as OpenCV reads a colour photograph as grey.
_GREY = (0.299, 0.587, 0.114)


class _MaxFeatureMap(nn.Module):
    """A convolution with twice the channels, of which the larger of each two remains."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.filter = nn.Conv2d(inputs, 2 * outputs, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.filter(x).chunk(2, dim=1)
        return torch.maximum(first, second)


class _Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _MaxFeatureMap(channels, channels, 3)
        self.conv2 = _MaxFeatureMap(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x))


class _Group(nn.Module):
    """A convolution of single pixels, then one of 3x3."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv_a = _MaxFeatureMap(inputs, inputs, 1)
        self.conv = _MaxFeatureMap(inputs, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.conv_a(x))


def _blocks(number: int, channels: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(channels) for _ in range(number)))


class _Layers(nn.Module):
    """The layers, under the names they have in the published weights."""

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        self.conv1 = _MaxFeatureMap(1, 48, 5)
        self.block1, self.group1 = _blocks(1, 48), _Group(48, 96)
        self.block2, self.group2 = _blocks(2, 96), _Group(96, 192)
        self.block3, self.group3 = _blocks(3, 192), _Group(192, 128)
        self.block4, self.group4 = _blocks(4, 128), _Group(128, 128)
        self.fc = nn.Linear(128 * 8 * 8, embedding_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        first = self.conv1(x)
        second = self.group1(self.block1(_pool(first)))
        third = self.group2(self.block2(_pool(second)))
        fourth = self.group4(self.block4(self.group3(self.block3(_pool(third)))))
        return self.fc(_pool(fourth).flatten(1)), (first, second, third, fourth)


def _pool(x: Tensor) -> Tensor:
    return max_pool2d(x, 2) + avg_pool2d(x, 2)


class LightCNN29(IdentityNetwork):
    """LightCNN-29 v2.

    Activations: 48x128x128, 96x64x64, 192x32x32 and 128x16x16.
    """

    input_size = 128
    embedding_dim = 256
    grey: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.layers = _Layers(self.embedding_dim)
        self.register_buffer("grey", torch.tensor(_GREY).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> LightCNN29:
        """Read `LightCNN_29Layers_V2_checkpoint.pth.tar` of the authors; errors as in `load_published`."""
        network = cls()
        load_published(network.layers, path, "LightCNN-29 v2", classifier="fc2")
        return network

    def align(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 s s"]:
        """The authors' crop (`face_db_align.m`): the eyes level, at a fixed place and height above the mouth."""
        points = five_points(landmarks)
        eyes, mouth = points[:, :2].mean(dim=1), points[:, 3:].mean(dim=1)
        along = normalize(points[:, 1] - points[:, 0])
        down = torch.stack([-along[:, 1], along[:, 0]], dim=1)
        scale = _EYES_TO_MOUTH / ((mouth - eyes) * down).sum(dim=1)
        linear = scale[:, None, None] * torch.stack([along, down], dim=1)
        translation = linear.new_tensor(_EYES)[:, None] - linear @ eyes.unsqueeze(2)
        chip_to_image = invert_similarity(torch.cat([linear, translation], dim=2))
        return extract_chip(images, chip_to_image, self.input_size)

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        embedding, activations = self.layers((aligned * self.grey).sum(dim=1, keepdim=True))
        return IdentityFeatures(normalize(embedding), activations)
