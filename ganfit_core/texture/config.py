"""Settings of the texture models' networks and of their training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ganfit_core.training.config import Precision, RunConfig

Loss = Literal["wgan-gp", "nonsaturating-r1"]
Phase = Literal["reconstruct", "fade", "stabilise"]

BASE_RESOLUTION = 4


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of a generator or decoder, and of the discriminator or encoder that mirrors it (Karras et al. 2018,
    "Progressive Growing of GANs", Table 2)."""

    latent_dim: int = 256
    """Dimension n_t of the latent p_t. The GANFIT paper uses 512."""
    resolution: int = 128
    """Side of the UV map in pixels, a power of two of at least 8. The GANFIT paper uses 512."""
    fmap_base: int = 1024
    """Channels at side r are min(2 fmap_base / r, fmap_max). Karras et al. use 8192."""
    fmap_max: int = 128
    """Largest number of channels of a block. Karras et al. use 512."""

    def __post_init__(self) -> None:
        if self.resolution < 2 * BASE_RESOLUTION or self.resolution & (self.resolution - 1):
            raise ValueError(f"resolution must be a power of two of at least 8, not {self.resolution}")
        if self.channels(self.resolution) < 1:
            raise ValueError(f"fmap_base {self.fmap_base} leaves no channels at {self.resolution}")

    def channels(self, resolution: int) -> int:
        """Feature maps of the block whose output side is `resolution`."""
        return min(2 * self.fmap_base // resolution, self.fmap_max)

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of all blocks, 4 first."""
        return tuple(1 << level for level in range(BASE_RESOLUTION.bit_length() - 1, self.resolution.bit_length()))


@dataclass(frozen=True)
class PCAConfig:
    """Shape of the linear model."""

    latent_dim: int = 256
    """Components, the largest first."""
    resolution: int = 128
    """Side of the UV map, pixels."""


@dataclass(frozen=True)
class Stage:
    """One part of the schedule."""

    resolution: int
    """Side at which both networks work, in pixels."""
    phase: Phase
    """`fade`: the newest block is blended in, alpha 0 to 1. `stabilise`: alpha 1. `reconstruct`: no
    adversary, the generator alone learns to decode the maps' PCA latents."""
    fraction: float
    """Share of the whole run."""


def progressive_schedule(resolution: int) -> tuple[Stage, ...]:
    """The schedule of Karras et al. 2018 (App. A.1): from 4x4, fade and stabilise for equally many images."""
    sides = [BASE_RESOLUTION << i for i in range(resolution.bit_length() - BASE_RESOLUTION.bit_length() + 1)]
    share = 1.0 / (2 * len(sides) - 1)
    stages = [Stage(sides[0], "stabilise", share)]
    for side in sides[1:]:
        stages += [Stage(side, "fade", share), Stage(side, "stabilise", share)]
    return tuple(stages)


@dataclass(frozen=True, kw_only=True)
class TextureRunConfig(RunConfig):
    """What the trainings of the texture networks have in common."""

    network: NetworkConfig = field(default_factory=NetworkConfig)
    """Both networks of the model."""
    flip: bool = True
    """Mirror maps at random, u -> 1 - u (the UV layout is left-right symmetric)."""


@dataclass(frozen=True, kw_only=True)
class VAETrainingConfig(TextureRunConfig):
    """Everything that determines the training of the VAE."""

    batch_size: int = 16
    """Images per step."""
    learning_rate: float = 3e-3
    """Adam learning rate of both networks, whose layers have an equalised learning rate."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Adam moments."""

    @classmethod
    def cpu_128(cls, latent_dim: int = 256, seed: int = 0) -> VAETrainingConfig:
        """A quarter of an hour on one CPU core for 128x128 maps; the decoder is as large as the generator of
        `TrainingConfig.cpu_128`. Use with `train(..., minutes=...)`."""
        network = NetworkConfig(latent_dim=latent_dim, resolution=128, fmap_base=1024, fmap_max=128)
        return cls(network=network, ema_half_life=5_000.0, precision="bf16", seed=seed)


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(TextureRunConfig):
    """Everything that determines the training of the GAN. The defaults follow Karras et al. 2018, App. A.1."""

    schedule: tuple[Stage, ...] = ()
    """Parts of the run in order; fractions, of `total_images` or of the time, sum to 1. Empty:
    `progressive_schedule(resolution)`."""
    batch_sizes: dict[int, int] = field(
        default_factory=lambda: {4: 16, 8: 16, 16: 16, 32: 16, 64: 16, 128: 16, 256: 14, 512: 6}
    )
    """Images per step by side (Karras et al. App. A.1 gives 16 up to 128, 14 at 256, 6 at 512)."""
    generator_lr: float = 1e-3
    """Adam learning rate of the generator, meaningful because of the equalised learning rate (Sec. 4.1)."""
    reconstruction_lr: float = 1.5e-2
    """Adam learning rate of the generator in `reconstruct`, where no adversary limits it."""
    discriminator_lr: float = 1e-3
    """Adam learning rate of the discriminator."""
    rate_decay: float = 0.0
    """Share of the run, at its end, over which both learning rates fall to zero in a straight line."""
    betas: tuple[float, float] = (0.0, 0.99)
    """Adam moments of both networks (App. A.1)."""
    loss: Loss = "wgan-gp"
    """`wgan-gp`: Karras et al.; a float32 double backward in every step. `nonsaturating-r1`: Goodfellow et
    al. 2014 with the R1 penalty of Mescheder et al. 2018 applied every `r1_interval` steps, the alternative
    for small compute."""
    gradient_penalty: float = 10.0
    """Weight of the WGAN-GP penalty."""
    drift: float = 0.001
    """Weight of E[D(x)^2] on real images under WGAN-GP (App. A.1)."""
    r1_gamma: float = 2.0
    """Weight gamma of R1, gamma/2 E|grad D|^2, images in [-1, 1]."""
    r1_interval: int = 16
    """Steps between R1 penalties, whose weight is multiplied by it (lazy regularisation, StyleGAN2)."""
    anchor_weight: float = 0.0
    """Above 0, half of the generated batch comes from PCA latents of training maps and is pulled to those
    maps by this weight times `reconstruction_loss` at `anchor_resolution`; it keeps the latent space
    organised and adds no generator pass."""
    anchor_resolution: int = 32
    """Side of the anchor's comparison; details finer than this are left to the adversary."""

    def __post_init__(self) -> None:
        if not self.schedule:
            object.__setattr__(self, "schedule", progressive_schedule(self.network.resolution))
        if abs(sum(stage.fraction for stage in self.schedule) - 1.0) > 1e-6:
            raise ValueError("the fractions of the schedule must sum to 1")
        unknown = {stage.resolution for stage in self.schedule} - set(self.network.resolutions)
        if unknown:
            raise ValueError(f"the schedule names sides the network lacks: {sorted(unknown)}")
        missing = {stage.resolution for stage in self.schedule} - set(self.batch_sizes)
        if missing:
            raise ValueError(f"batch_sizes lacks sides of the schedule: {sorted(missing)}")

    @property
    def uses_map_latents(self) -> bool:
        """Whether the run needs PCA latents of the training maps."""
        return self.anchor_weight > 0 or any(stage.phase == "reconstruct" for stage in self.schedule)

    def position(self, progress: float) -> tuple[Stage, float]:
        """Stage at `progress` in [0, 1] of the run, and alpha of its newest block."""
        start = 0.0
        for stage in self.schedule:
            end = start + stage.fraction
            if progress < end:
                alpha = (progress - start) / stage.fraction if stage.phase == "fade" else 1.0
                return stage, alpha
            start = end
        return self.schedule[-1], 1.0

    @classmethod
    def paper(cls, resolution: int, precision: Precision) -> TrainingConfig:
        """GANFIT's texture model (Sec. 3.1 and 5.1): p_t of 512 numbers; networks (Table 2), schedule and loss of
        Karras et al. 2018. Its maps have 512 texels a side."""
        network = NetworkConfig(latent_dim=512, resolution=resolution, fmap_base=8192, fmap_max=512)
        return cls(network=network, precision=precision)

    @classmethod
    def cpu_128(cls, latent_dim: int = 256, seed: int = 0) -> TrainingConfig:
        """An hour or more on one or two CPU cores for 128x128 maps: the generator grows from 32x32 while it
        reconstructs the maps from their PCA latents; an adversary then sharpens it at full size. Use with
        `train(..., minutes=...)`.

        Growing against an adversary from the start was tried with r1_gamma = 2: the penalty held the discriminator
        at chance (loss 1.35 against 2 ln 2 = 1.39) and the blocks added after 32x32 lost their colours.
        """
        return cls(
            network=NetworkConfig(latent_dim=latent_dim, resolution=128, fmap_base=1024, fmap_max=128),
            schedule=(
                Stage(32, "reconstruct", 0.04),
                Stage(64, "reconstruct", 0.08),
                Stage(128, "reconstruct", 0.16),
                Stage(128, "stabilise", 0.72),
            ),
            batch_sizes={32: 16, 64: 16, 128: 16},
            generator_lr=3e-3,
            discriminator_lr=3e-3,
            # At this learning rate the weights wander: an average over 8,000 images blurs (Frechet distance 3.5 where
            # the last weights had 1.6), while the decay leaves little to average.
            ema_half_life=2_000.0,
            rate_decay=0.25,
            loss="nonsaturating-r1",
            r1_gamma=0.1,
            anchor_weight=3.0,
            anchor_resolution=64,
            precision="bf16",
            seed=seed,
        )
