"""SFace (Zhong et al., IEEE TIP 2021): a MobileNet trained with a sigmoid-constrained loss, 112x112 RGB to 128 numbers.

Architecture and weights are those of OpenCV's model zoo (face_recognition_sface_2021dec), which `cv2.FaceRecognizerSF`
runs too.
"""

from __future__ import annotations

from pathlib import Path

import safetensors
import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.fusion import fuse_conv_bn_eval

from ganfit_core.identity.arcface import ArcFaceNetwork
from ganfit_core.identity.base import IdentityFeatures
from ganfit_core.identity.published import fill

# Channels and stride of the pairs of a depthwise and a pointwise convolution that follow the first convolution.
_PAIRS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


class _Layer(nn.Module):
    """A convolution, normalised and activated."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3)
        self.prelu = nn.PReLU(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.prelu(self.norm(self.conv(x)))

    def fold(self) -> None:
        """Make one convolution of the convolution and its normalisation."""
        assert isinstance(self.norm, nn.BatchNorm2d)
        self.conv, self.norm = fuse_conv_bn_eval(self.conv, self.norm), nn.Identity()


class SFace(ArcFaceNetwork):
    """SFace.

    Activations: 64x112x112, 128x56x56, 256x28x28, 512x14x14 and 1024x7x7.
    """

    embedding_dim = 128

    def __init__(self) -> None:
        super().__init__()
        layers, inputs = [_Layer(3, 32, 3)], 32
        for outputs, stride in _PAIRS:
            layers += [_Layer(inputs, inputs, 3, stride, groups=inputs), _Layer(inputs, outputs, 1)]
            inputs = outputs
        self.layers = nn.ModuleList(layers)
        self.norm = nn.BatchNorm2d(inputs, eps=2e-5)
        self.fc = nn.Linear(inputs * 7 * 7, self.embedding_dim)
        self.last_norm = nn.BatchNorm1d(self.embedding_dim, eps=2e-5)
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> SFace:
        """Read the file that `ganfit assets build sface` makes of the published weights.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file does not hold the weights of this network.
        """
        network = cls()
        try:
            state = load_file(path)
        except safetensors.SafetensorError as error:
            raise ValueError(f"{path} does not hold the weights of SFace: {error}") from error
        fill(network, state, path, "SFace")
        # A quarter less CPU time in batches: normalisations folded into the convolutions before them.
        for layer in network.layers:
            assert isinstance(layer, _Layer)
            layer.fold()
        return nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        x = (255 * aligned - 127.5) / 128
        activations: list[Tensor] = []
        for layer in self.layers:
            x = layer(x)
            if activations and activations[-1].shape[2] == x.shape[2]:
                activations[-1] = x
            else:
                activations.append(x)
        embedding = self.last_norm(self.fc(self.norm(x).flatten(1)))
        return IdentityFeatures(normalize(embedding), tuple(activations))
