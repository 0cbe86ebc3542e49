"""Texture generator G(p_t): latent -> UV map (GANFIT Eq. 6; architecture of Karras et al. 2018, Table 2)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ganfit_core.texture.config import BASE_RESOLUTION, NetworkConfig
from ganfit_core.texture.layers import EqualizedConv2d, EqualizedLinear, leaky_relu, pixel_norm, upsample
from ganfit_core.texture.model import TextureModel


class GeneratorBlock(nn.Module):
    """Nearest upsampling and two 3x3 convolutions, each followed by leaky ReLU and pixel norm."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv0 = EqualizedConv2d(inputs, outputs, 3)
        self.conv1 = EqualizedConv2d(outputs, outputs, 3)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        """Features at twice the side."""
        x = pixel_norm(leaky_relu(self.conv0(upsample(x))))
        return pixel_norm(leaky_relu(self.conv1(x)))


class Generator(TextureModel):
    """Progressive-growing generator; latents of any length are projected to the hypersphere first."""

    kind: ClassVar[str] = "gan"
    config_type: ClassVar[type[NetworkConfig]] = NetworkConfig
    config: NetworkConfig

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        first = config.channels(BASE_RESOLUTION)
        # Karras et al. divide the gain by 4 so that the 4x4 features are learnt as fast as the convolutions.
        self.dense = EqualizedLinear(config.latent_dim, first * BASE_RESOLUTION**2, gain=2**0.5 / 4)
        self.first = EqualizedConv2d(first, first, 3)
        self.blocks = nn.ModuleDict()
        self.to_rgb = nn.ModuleDict({str(BASE_RESOLUTION): EqualizedConv2d(first, 3, 1, gain=1.0)})
        for side in config.resolutions[1:]:
            channels = config.channels(side)
            self.blocks[str(side)] = GeneratorBlock(config.channels(side // 2), channels)
            self.to_rgb[str(side)] = EqualizedConv2d(channels, 3, 1, gain=1.0)

    def forward(
        self, latent: Float[Tensor, "b d"], resolution: int | None = None, alpha: float = 1.0
    ) -> Float[Tensor, "b 3 r r"]:
        """UV maps in [0, 1], RGB.

        `resolution` stops at a smaller block (training), and `alpha` < 1 blends that block's output with the
        previous one's (Karras et al. Fig. 2): at 0 the result is the previous output upsampled.
        Raises ValueError if the network has no block of that resolution.
        """
        side = self.resolution if resolution is None else resolution
        if str(side) not in self.to_rgb:
            raise ValueError(f"no block of side {side} in a generator of {self.resolution}")
        x = self.dense(pixel_norm(latent.float()))
        x = x.reshape(len(latent), -1, BASE_RESOLUTION, BASE_RESOLUTION)
        # Channels last is what makes bfloat16 convolutions fast on CPUs and tensor cores.
        x = pixel_norm(leaky_relu(x)).contiguous(memory_format=torch.channels_last)
        x = pixel_norm(leaky_relu(self.first(x)))
        previous = x
        for r in self.config.resolutions[1:]:
            if r > side:
                break
            previous = x
            x = self.blocks[str(r)](x)
        rgb = self.to_rgb[str(side)](x).float()
        if alpha < 1.0 and side > BASE_RESOLUTION:
            rgb = torch.lerp(upsample(self.to_rgb[str(side // 2)](previous).float()), rgb, alpha)
        # tanh keeps fitted textures displayable without a clamp, whose zero gradient would stall the fitting.
        return torch.tanh(rgb) * 0.5 + 0.5

    def truncated(self, resolution: int) -> Generator:
        """Copy that ends at `resolution`, for writing a run that has not grown to the full side."""
        small = Generator(replace(self.config, resolution=resolution))
        kept = small.state_dict().keys()
        small.load_state_dict({k: v for k, v in self.state_dict().items() if k in kept})
        return small.to(self.dense.weight.device)
