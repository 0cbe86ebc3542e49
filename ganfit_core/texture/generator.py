"""Texture generator G(p_t): latent -> UV map (GANFIT Eq. 6; architecture of Karras et al. 2018, Table 2)."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganfit_core.texture.config import BASE_RESOLUTION, NetworkConfig
from ganfit_core.texture.layers import EqualizedConv2d, EqualizedLinear, leaky_relu, pixel_norm, upsample

FORMAT = "ganfit-texture-generator/1"


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


class Generator(nn.Module):
    """Progressive-growing generator; latents of any length are projected to the hypersphere first."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        first = config.channels(BASE_RESOLUTION)
        # Karras et al. divide the gain by 4 so that the 4x4 projection is learnt as fast as the convolutions.
        self.project = EqualizedLinear(config.latent_dim, first * BASE_RESOLUTION**2, gain=2**0.5 / 4)
        self.first = EqualizedConv2d(first, first, 3)
        self.blocks = nn.ModuleDict()
        self.to_rgb = nn.ModuleDict({str(BASE_RESOLUTION): EqualizedConv2d(first, 3, 1, gain=1.0)})
        for side in config.resolutions[1:]:
            channels = config.channels(side)
            self.blocks[str(side)] = GeneratorBlock(config.channels(side // 2), channels)
            self.to_rgb[str(side)] = EqualizedConv2d(channels, 3, 1, gain=1.0)

    @property
    def latent_dim(self) -> int:
        """Length n_t of a latent."""
        return self.config.latent_dim

    @property
    def resolution(self) -> int:
        """Side R of the full UV map, pixels."""
        return self.config.resolution

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
        x = self.project(pixel_norm(latent.float()))
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

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 3 r r"]:
        """`n` random UV maps from p_t ~ N(0, I); `generator` must live on the CPU."""
        return self(self.sample_latents(n, generator))

    def sample_latents(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """`n` latents p_t ~ N(0, I) on the network's device; `generator` must live on the CPU."""
        return torch.randn(n, self.latent_dim, generator=generator).to(self.project.weight.device)

    def truncated(self, resolution: int) -> Generator:
        """Copy that ends at `resolution`, for writing a run that has not grown to the full side."""
        small = Generator(replace(self.config, resolution=resolution))
        kept = small.state_dict().keys()
        small.load_state_dict({k: v for k, v in self.state_dict().items() if k in kept})
        return small.to(self.project.weight.device)

    def save(self, path: Path, provenance: dict[str, str] | None = None) -> None:
        """Write safetensors whose metadata hold the config as JSON beside any `provenance` strings."""
        metadata = {"format": FORMAT, "config": json.dumps(asdict(self.config)), **(provenance or {})}
        state = {k: v.detach().cpu().contiguous() for k, v in self.state_dict().items()}
        save_file(state, str(path), metadata=metadata)

    @classmethod
    def load(cls, path: Path) -> Generator:
        """Read a file of `save`, on the CPU, in eval mode. Raises ValueError if it is of another format."""
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(f"{path} is not a {FORMAT} file")
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        generator = cls(NetworkConfig(**json.loads(metadata["config"])))
        generator.load_state_dict(state)
        return generator.eval()
