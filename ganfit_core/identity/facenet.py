"""FaceNet (Schroff et al., CVPR 2015) as Inception-ResNet-v1 trained on VGGFace2: 160x160 RGB to 512 numbers."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, normalize, relu

from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.face_box import detector_box, extract_box
from ganfit_core.identity.published import load_published

# Pixels of the crop around MTCNN's box in facenet-pytorch's evaluation on LFW.
_MARGIN = 14


class _Layer(nn.Module):
    """A convolution, normalised and activated."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        return relu(self.bn(self.conv(x)))


class _Branches(nn.Module):
    """Several ways through one input, side by side, named branch0, branch1 and so on."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.names = [f"branch{number}" for number in range(len(branches))]
        for name, branch in zip(self.names, branches, strict=True):
            self.add_module(name, branch)

    def branched(self, x: Tensor) -> list[Tensor]:
        return [self.get_submodule(name)(x) for name in self.names]


class _Residual(_Branches):
    """Branches joined, brought to the input's width, scaled and added to it."""

    def __init__(self, channels: int, joined: int, scale: float, *branches: nn.Module, activated: bool = True) -> None:
        super().__init__(*branches)
        self.scale, self.activated = scale, activated
        self.conv2d = nn.Conv2d(joined, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.scale * self.conv2d(torch.cat(self.branched(x), dim=1))
        return relu(x) if self.activated else x


class _Reduction(_Branches):
    """Branches and a pooling joined, at half the resolution."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*self.branched(x), max_pool2d(x, 3, 2)], dim=1)


def _block35() -> _Residual:
    return _Residual(
        256,
        96,
        0.17,
        _Layer(256, 32, 1),
        nn.Sequential(_Layer(256, 32, 1), _Layer(32, 32, 3, padding=1)),
        nn.Sequential(_Layer(256, 32, 1), _Layer(32, 32, 3, padding=1), _Layer(32, 32, 3, padding=1)),
    )


def _separable(channels: int, width: int, length: int, scale: float, joined: int, activated: bool = True) -> _Residual:
    """A residual block whose large kernel is a row after a column (Block17, Block8)."""
    padding = length // 2
    chain = nn.Sequential(
        _Layer(channels, width, 1),
        _Layer(width, width, (1, length), padding=(0, padding)),
        _Layer(width, width, (length, 1), padding=(padding, 0)),
    )
    return _Residual(channels, joined, scale, _Layer(channels, width, 1), chain, activated=activated)


class _Layers(nn.Module):
    """The layers, under the names they have in the published weights."""

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        self.conv2d_1a = _Layer(3, 32, 3, 2)
        self.conv2d_2a = _Layer(32, 32, 3)
        self.conv2d_2b = _Layer(32, 64, 3, padding=1)
        self.conv2d_3b = _Layer(64, 80, 1)
        self.conv2d_4a = _Layer(80, 192, 3)
        self.conv2d_4b = _Layer(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _Reduction(
            _Layer(256, 384, 3, 2),
            nn.Sequential(_Layer(256, 192, 1), _Layer(192, 192, 3, padding=1), _Layer(192, 256, 3, 2)),
        )
        self.repeat_2 = nn.Sequential(*(_separable(896, 128, 7, 0.10, 256) for _ in range(10)))
        self.mixed_7a = _Reduction(
            nn.Sequential(_Layer(896, 256, 1), _Layer(256, 384, 3, 2)),
            nn.Sequential(_Layer(896, 256, 1), _Layer(256, 256, 3, 2)),
            nn.Sequential(_Layer(896, 256, 1), _Layer(256, 256, 3, padding=1), _Layer(256, 256, 3, 2)),
        )
        self.repeat_3 = nn.Sequential(*(_separable(1792, 192, 3, 0.20, 384) for _ in range(5)))
        self.block8 = _separable(1792, 192, 3, 1.0, 384, activated=False)
        self.last_linear = nn.Linear(1792, embedding_dim, bias=False)
        self.last_bn = nn.BatchNorm1d(embedding_dim, eps=1e-3)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        first = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(x)))
        second = self.conv2d_4a(self.conv2d_3b(max_pool2d(first, 3, 2)))
        third = self.repeat_1(self.conv2d_4b(second))
        fourth = self.repeat_2(self.mixed_6a(third))
        fifth = self.block8(self.repeat_3(self.mixed_7a(fourth)))
        embedding = self.last_bn(self.last_linear(fifth.mean(dim=(2, 3))))
        return embedding, (first, second, third, fourth, fifth)


class FaceNet(IdentityNetwork):
    """Inception-ResNet-v1.

    Activations: 64x77x77, 192x36x36, 256x17x17, 896x8x8 and 1792x3x3.
    """

    input_size = 160
    embedding_dim = 512

    def __init__(self) -> None:
        super().__init__()
        self.layers = _Layers(self.embedding_dim)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> FaceNet:
        """Read `20180402-114759-vggface2.pt` of facenet-pytorch; errors as in `load_published`."""
        network = cls()
        load_published(network.layers, path, "FaceNet", classifier="logits")
        return network

    def align(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 s s"]:
        """facenet-pytorch's crop: MTCNN's box with a margin, stretched to a square, not rotated."""
        centre, size = detector_box(landmarks)
        return extract_box(images, centre, size * self.input_size / (self.input_size - _MARGIN), self.input_size)

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        embedding, activations = self.layers((255 * aligned - 127.5) / 128)
        return IdentityFeatures(normalize(embedding), activations)
