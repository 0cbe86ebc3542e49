"""face.evoLVe's IR-50 (Zhao et al., 2019), trained with the ArcFace loss on MS-Celeb-1M: 112x112 RGB to 512 numbers."""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganfit_core.identity.arcface import ArcFaceNetwork
from ganfit_core.identity.base import IdentityFeatures
from ganfit_core.identity.published import load_published

# Per resolution: output channels, number of blocks, of which the first has stride 2.
_STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))

# The aligned picture of 112 pixels is enlarged to this and its middle taken.
_ENLARGED = 128


class _Block(nn.Module):
    """Improved residual unit; a strided shortcut takes every other pixel where the width stays as it is."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if inputs != outputs:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
            nn.PReLU(outputs),
            nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.res_layer(x) + self.shortcut_layer(x)


class _Layers(nn.Module):
    """The layers, under the names they have in the published weights."""

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        inputs = _STAGES[0][0]
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, inputs, 3, padding=1, bias=False), nn.BatchNorm2d(inputs), nn.PReLU(inputs)
        )
        blocks = []
        for outputs, number in _STAGES:
            blocks += [_Block(inputs, outputs, 2), *(_Block(outputs, outputs, 1) for _ in range(number - 1))]
            inputs = outputs
        self.body = nn.Sequential(*blocks)
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.Dropout(),
            nn.Flatten(),
            nn.Linear(inputs * 7 * 7, embedding_dim),
            nn.BatchNorm1d(embedding_dim),
        )

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = self.input_layer(x)
        activations = []
        start = 0
        for _, number in _STAGES:
            x = self.body[start : start + number](x)
            activations.append(x)
            start += number
        return self.output_layer(x), tuple(activations)


class EvolveIR50(ArcFaceNetwork):
    """face.evoLVe's IR-50.

    It reads the middle of ArcFace's crop, as face.evoLVe's code extracts features and as it was trained.
    Activations: 64x56x56, 128x28x28, 256x14x14 and 512x7x7.
    """

    embedding_dim = 512

    def __init__(self) -> None:
        super().__init__()
        self.layers = _Layers(self.embedding_dim)
        self.template = self.template * _ENLARGED / self.input_size - (_ENLARGED - self.input_size) / 2
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> EvolveIR50:
        """Read `backbone_ir50_ms1m_epoch120.pth` of face.evoLVe; errors as in `load_published`."""
        network = cls()
        load_published(network.layers, path, "face.evoLVe's IR-50")
        return network

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        embedding, activations = self.layers(2.0 * aligned - 1.0)
        return IdentityFeatures(normalize(embedding), activations)
