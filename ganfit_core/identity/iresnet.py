"""ArcFace's IResNet-50 (Deng et al., CVPR 2019): 112x112 RGB to 512 numbers, the identity network of GANFIT."""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize

from ganfit_core.identity.arcface import ArcFaceNetwork, read_state_dict
from ganfit_core.identity.base import IdentityFeatures

# Per resolution: output channels, number of blocks, of which the first has stride 2.
_STAGES = ((64, 3), (128, 4), (256, 14), (512, 3))


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)


class _Block(nn.Module):
    """Improved residual unit of ArcFace: normalised before the first convolution, not activated after the sum."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = _conv(inputs, outputs, 3)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = _conv(outputs, outputs, 3, stride)
        self.bn3 = nn.BatchNorm2d(outputs)
        projected = nn.Sequential(_conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.downsample = projected if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        residual = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return residual + (x if self.downsample is None else self.downsample(x))


class _Backbone(nn.Module):
    """The layers, under the names they have in the published weights."""

    def __init__(self, embedding_dim: int) -> None:
        super().__init__()
        inputs = _STAGES[0][0]
        self.conv1 = _conv(3, inputs, 3)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.prelu = nn.PReLU(inputs)
        for number, (outputs, blocks) in enumerate(_STAGES, start=1):
            rest = (_Block(outputs, outputs, 1) for _ in range(blocks - 1))
            self.add_module(f"layer{number}", nn.Sequential(_Block(inputs, outputs, 2), *rest))
            inputs = outputs
        self.bn2 = nn.BatchNorm2d(inputs)
        self.fc = nn.Linear(inputs * 7 * 7, embedding_dim)
        self.features = nn.BatchNorm1d(embedding_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        x = self.prelu(self.bn1(self.conv1(x)))
        activations = []
        for number in range(1, len(_STAGES) + 1):
            x = self.get_submodule(f"layer{number}")(x)
            activations.append(x)
        # The dropout between these two acts in training only.
        return self.features(self.fc(self.bn2(x).flatten(1))), tuple(activations)


class IResNet50(ArcFaceNetwork):
    """IResNet-50.

    Activations: 64x56x56, 128x28x28, 256x14x14 and 512x7x7.
    """

    embedding_dim = 512

    def __init__(self) -> None:
        super().__init__()
        self.backbone = _Backbone(self.embedding_dim)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> IResNet50:
        """Read a state dict as insightface publishes it (`backbone.pth` of its arcface_torch, network r50).

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is not a state dict of this architecture.
        """
        state = read_state_dict(path)
        network = cls()
        try:
            network.backbone.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(f"{path} does not hold the weights of IResNet-50: {error}") from error
        return network

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        embedding, activations = self.backbone(2.0 * aligned - 1.0)
        return IdentityFeatures(normalize(embedding), activations)
