"""Discriminator (critic) that mirrors the generator (Karras et al. 2018, Table 2)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ganfit_core.texture.config import BASE_RESOLUTION, NetworkConfig
from ganfit_core.texture.layers import (
    EqualizedConv2d,
    EqualizedLinear,
    downsample,
    leaky_relu,
    minibatch_stddev,
)


class DiscriminatorBlock(nn.Module):
    """Two 3x3 convolutions with leaky ReLU, then average pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = EqualizedConv2d(inputs, inputs, 3)
        self.conv1 = EqualizedConv2d(inputs, outputs, 3)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        """Features at half the side."""
        # Pooling before the second activation would not commute; the order is that of Karras et al.
        return downsample(leaky_relu(self.conv1(leaky_relu(self.conv0(x)))))


class Discriminator(nn.Module):
    """Scores UV maps; higher is more real."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.from_rgb = nn.ModuleDict()
        self.blocks = nn.ModuleDict()
        for side in config.resolutions:
            channels = config.channels(side)
            self.from_rgb[str(side)] = EqualizedConv2d(3, channels, 1)
            if side > BASE_RESOLUTION:
                self.blocks[str(side)] = DiscriminatorBlock(channels, config.channels(side // 2))
        last = config.channels(BASE_RESOLUTION)
        self.final_conv = EqualizedConv2d(last + 1, last, 3)
        self.final_dense = EqualizedLinear(last * BASE_RESOLUTION**2, last)
        self.score = EqualizedLinear(last, 1, gain=1.0)

    def forward(self, images: Float[Tensor, "b 3 r r"], alpha: float = 1.0) -> Float[Tensor, " b"]:
        """Scores of images in [-1, 1]; their side chooses the blocks, `alpha` blends the newest one in."""
        side = images.shape[-1]
        images = images.contiguous(memory_format=torch.channels_last)
        x = leaky_relu(self.from_rgb[str(side)](images))
        for r in reversed(self.config.resolutions[1:]):
            if r > side:
                continue
            x = self.blocks[str(r)](x)
            if r == side and alpha < 1.0:
                skip = leaky_relu(self.from_rgb[str(side // 2)](downsample(images)))
                x = torch.lerp(skip, x, alpha)
        x = leaky_relu(self.final_conv(minibatch_stddev(x)))
        x = leaky_relu(self.final_dense(x.flatten(1)))
        return self.score(x).float().squeeze(1)
