"""MobileFaceNet (Chen et al., CCBR 2018) trained with the ArcFace loss: 112x112 RGB to 128 numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import normalize
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ganfit_core.identity.arcface import ArcFaceNetwork, read_state_dict
from ganfit_core.identity.base import IdentityFeatures

# Per resolution: output channels, expansion of the first block (stride 2), number of blocks.
_STAGES = ((64, 2, 5), (128, 4, 7), (128, 4, 3))


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups)


class _Bottleneck(nn.Module):
    """Inverted residual (MobileNetV2): expand, filter depthwise, project linearly."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.residual = stride == 1
        self.conv = nn.Sequential(
            _conv(inputs, hidden, 1),
            nn.ReLU6(inplace=True),
            _conv(hidden, hidden, 3, stride, groups=hidden),
            nn.ReLU6(inplace=True),
            _conv(hidden, outputs, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileFaceNet(ArcFaceNetwork):
    """MobileFaceNet with its batch normalisations folded into the convolutions.

    Activations: 64x56x56, 64x28x28, 128x14x14 and 128x7x7.
    """

    embedding_dim = 128
    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        # The statistics of ImageNet, with which the published weights were trained, unlike ArcFace's other networks.
        self.register_buffer("mean", torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1), persistent=False)
        self.stem = nn.Sequential(
            _conv(3, 64, 3, stride=2),
            nn.ReLU6(inplace=True),
            _conv(64, 64, 3, groups=64),
            nn.ReLU(inplace=True),
            _conv(64, 64, 1),
            nn.ReLU(inplace=True),
        )
        stages, inputs = [], 64
        for outputs, expansion, blocks in _STAGES:
            first = _Bottleneck(inputs, outputs, expansion, stride=2)
            rest = (_Bottleneck(outputs, outputs, 2, stride=1) for _ in range(blocks - 1))
            stages.append(nn.Sequential(first, *rest))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.head = nn.Sequential(
            _conv(inputs, 512, 1),
            nn.ReLU6(inplace=True),
            nn.Conv2d(512, 512, 7, groups=512),
            _conv(512, self.embedding_dim, 1),
            nn.Flatten(),
        )
        self.requires_grad_(False).eval()

    @classmethod
    def load(cls, path: Path) -> MobileFaceNet:
        """Read a state dict as the authors of the weights publish it, convolutions and normalisations apart.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: the file is not a state dict of this architecture.
        """
        state = read_state_dict(path)
        network = cls()
        convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
        try:
            for convolution, (conv, norm) in zip(convolutions, _layer_names(), strict=True):
                weight, bias = fuse_conv_bn_weights(
                    state[f"{conv}.weight"],
                    state.get(f"{conv}.bias"),
                    state[f"{norm}.running_mean"],
                    state[f"{norm}.running_var"],
                    1e-5,
                    state[f"{norm}.weight"],
                    state[f"{norm}.bias"],
                )
                convolution.load_state_dict({"weight": weight, "bias": bias})
        except (KeyError, RuntimeError) as error:
            raise ValueError(f"{path} does not hold the weights of this MobileFaceNet: {error}") from error
        # Kept through every layer, also for contiguous images: 6 % less CPU time at batch 1.
        return nn.utils.convert_conv2d_weight_memory_format(network, torch.channels_last)

    def features(self, aligned: Float[Tensor, "b 3 s s"]) -> IdentityFeatures:
        x = self.stem((aligned - self.mean) / self.deviation)
        activations = [x]
        for stage in self.stages:
            x = stage(x)
            activations.append(x)
        return IdentityFeatures(normalize(self.head(x)), tuple(activations))


def _layer_names() -> Iterator[tuple[str, str]]:
    """Published names of every convolution and of the normalisation after it, input to output."""
    yield from (
        ("conv1.0", "conv1.1"),
        ("dw_conv.depthwise", "dw_conv.bn1"),
        ("dw_conv.pointwise", "dw_conv.bn2"),
    )
    for block in range(sum(blocks for _, _, blocks in _STAGES)):
        name = f"features.{block}.conv"
        yield from (
            (f"{name}.0.0", f"{name}.0.1"),
            (f"{name}.1.0", f"{name}.1.1"),
            (f"{name}.2", f"{name}.3"),
        )
    yield from (("conv2.0", "conv2.1"), ("gdconv.depthwise", "gdconv.bn"), ("conv3", "bn"))
