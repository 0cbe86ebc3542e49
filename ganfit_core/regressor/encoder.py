"""The trunk of N(I): a residual network that takes the identity network's activations in (Fast-GANFIT, Sec. 4)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ganfit_core.identity.base import IdentityFeatures
from ganfit_core.regressor.config import EncoderConfig

_BOTTLENECK = 4
"""Of ResNet-50: inner channels are a quarter of the outer ones."""


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class ResidualBlock(nn.Module):
    """Basic or bottleneck block of He et al. (CVPR 2016), with a projected shortcut where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, bottleneck: bool) -> None:
        super().__init__()
        relu = nn.ReLU(inplace=True)
        if bottleneck:
            inner = outputs // _BOTTLENECK
            layers = [_conv(inputs, inner, 1), relu, _conv(inner, inner, 3, stride), relu, _conv(inner, outputs, 1)]
        else:
            layers = [_conv(inputs, outputs, 3, stride), relu, _conv(outputs, outputs, 3)]
        self.residual = nn.Sequential(*layers)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else _conv(inputs, outputs, 1, stride)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        """Features after the block."""
        return functional.relu(self.residual(x) + self.shortcut(x))


class Trunk(nn.Module):
    """Residual stages; before each one, the activations nearest to it in resolution are concatenated.

    Where the sides differ a little (dlib's 35 beside 32), activations are resampled.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.stem = nn.Sequential(
            _conv(3, config.stem_channels, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1)
        )
        sides = [config.input_size // 4 // 2**stage for stage in range(len(config.stage_channels))]
        self.joins = tuple(_nearest(side, sides) for side in config.feature_sides)
        stages, inputs = [], config.stem_channels
        for stage, (outputs, blocks) in enumerate(zip(config.stage_channels, config.stage_blocks, strict=True)):
            joined = sum(c for c, at in zip(config.feature_channels, self.joins, strict=True) if at == stage)
            first = ResidualBlock(inputs + joined, outputs, 1 if stage == 0 else 2, config.block == "bottleneck")
            rest = (ResidualBlock(outputs, outputs, 1, config.block == "bottleneck") for _ in range(blocks - 1))
            stages.append(nn.Sequential(first, *rest))
            inputs = outputs
        self.stages = nn.ModuleList(stages)

    def forward(
        self, image: Float[Tensor, "b 3 n n"], activations: tuple[Float[Tensor, "b _c _h _w"], ...]
    ) -> Float[Tensor, "b c"]:
        """Features of images in [0, 1], averaged over space."""
        x = self.stem((2.0 * image - 1.0).contiguous(memory_format=torch.channels_last))
        for stage, layers in enumerate(self.stages):
            joined = [a for a, at in zip(activations, self.joins, strict=True) if at == stage]
            x = layers(torch.cat([x, *(_resampled(a, x.shape[-1]) for a in joined)], dim=1))
        return x.mean(dim=(2, 3))


class Encoder(nn.Module):
    """Trunk, fully connected layers that see the landmarks too, and one linear head for each kind of parameter.

    The heads answer in the units that the optimiser of a fit works in: see `Regressor`.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.trunk = Trunk(config)
        inputs = config.stage_channels[-1] + config.embedding_dim + 2 * 68
        self.hidden = nn.Sequential(
            nn.Linear(inputs, config.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(config.hidden, config.hidden),
            nn.LeakyReLU(0.2),
        )
        lengths = {
            "identity": config.n_identity,
            "expression": config.n_expression,
            "texture": config.n_texture,
            "camera": 10,
            "light": 9,
        }
        self.heads = nn.ModuleDict({name: nn.Linear(config.hidden, length) for name, length in lengths.items()})
        self._initialise()

    def _initialise(self) -> None:
        """ "'xavier initializer' [...] except the last layers that output camera and illumination parameters. Those
        ones are initialized by zero initializers" (Fast-GANFIT, Sec. 5.1)."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for name in ("camera", "light"):
            nn.init.zeros_(self.heads[name].get_parameter("weight"))

    def forward(
        self,
        image: Float[Tensor, "b 3 n n"],
        landmarks: Float[Tensor, "b 68 2"],
        features: IdentityFeatures,
    ) -> dict[str, Float[Tensor, "b _d"]]:
        """Answers of the heads.

        Args:
            image: RGB in [0, 1], of the config's input size.
            landmarks: normalised to [-1, 1] over the image.
            features: of the identity network for the same faces.
        """
        seen = self.trunk(image, features.activations)
        with torch.autocast(seen.device.type, enabled=False):  # a few rounded digits of the camera are pixels
            return self._answers(seen.float(), landmarks, features.embedding.float())

    def _answers(self, seen: Tensor, landmarks: Tensor, embedding: Tensor) -> dict[str, Tensor]:
        # An embedding has unit norm: scaled up, its entries are as large as those beside it.
        embedding = embedding * math.sqrt(embedding.shape[1])
        x = self.hidden(torch.cat([seen, embedding, landmarks.flatten(1)], dim=1))
        return {name: head(x) for name, head in self.heads.items()}


def _nearest(side: int, sides: list[int]) -> int:
    """Index of the stage whose side is nearest, in octaves."""
    return min(range(len(sides)), key=lambda stage: abs(math.log2(side / sides[stage])))


def _resampled(activation: Tensor, side: int) -> Tensor:
    if activation.shape[-1] == side:
        return activation
    return functional.interpolate(activation, (side, side), mode="bilinear", align_corners=False, antialias=False)
