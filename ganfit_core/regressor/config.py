"""Settings of the regression network and of its training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ganfit_core.training.config import RunConfig

Block = Literal["basic", "bottleneck"]


@dataclass(frozen=True, kw_only=True)
class EncoderConfig:
    """Shape of N(I)."""

    n_identity: int
    """Length of p_s."""
    n_expression: int
    """Length of p_e."""
    n_texture: int
    """Length of p_t."""
    feature_channels: tuple[int, ...]
    """Channels of the identity network's activations, fine to coarse."""
    feature_sides: tuple[int, ...]
    """Their sides, pixels."""
    embedding_dim: int
    """Length of the identity network's embedding."""
    input_size: int = 128
    """Side of the image the trunk reads, px."""
    block: Block = "basic"
    """Two 3x3 convolutions, or ResNet-50's bottleneck."""
    stem_channels: int = 32
    """After the first convolution."""
    stage_channels: tuple[int, ...] = (48, 96, 144, 192)
    """Output of each stage, at 1/4, 1/8, 1/16, 1/32 of the input's side."""
    stage_blocks: tuple[int, ...] = (2, 2, 2, 2)
    """Blocks of each stage."""
    hidden: int = 512
    """Width of the fully connected layers."""

    def __post_init__(self) -> None:
        if len(self.stage_channels) != len(self.stage_blocks):
            raise ValueError("stage_channels and stage_blocks must be equally long")
        if len(self.feature_channels) != len(self.feature_sides):
            raise ValueError("feature_channels and feature_sides must be equally long")

    @classmethod
    def laptop(cls, **dimensions: object) -> EncoderConfig:
        """Four million parameters; reads 128 px. `dimensions`: the fields without a default."""
        return cls(**dimensions)  # type: ignore[arg-type]

    @classmethod
    def paper(cls, **dimensions: object) -> EncoderConfig:
        """ResNet-50 (He et al. 2016) reading 224 px; with ArcFace's ResNet-50 beside it "more than 50 millions model
        parameters" (Fast-GANFIT, Sec. 5.1)."""
        return cls(
            input_size=224,
            block="bottleneck",
            stem_channels=64,
            stage_channels=(256, 512, 1024, 2048),
            stage_blocks=(3, 4, 6, 3),
            hidden=1024,
            **dimensions,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, kw_only=True)
class RegressorTrainingConfig(RunConfig):
    """Everything that determines the training of a regressor."""

    encoder: EncoderConfig
    """The network."""
    render_size: int = 128
    """Side of the renderings that the loss compares, px."""
    batch_size: int = 16
    """Images per step."""
    align_share: float = 0.3
    """Share of the run, at its beginning, that learns from landmarks and priors alone, and from UV maps where there
    are any; the rest learns from the full energy (Fast-GANFIT, Eq. 15)."""
    map_weight: float = 20.0
    """Of the distance to a photograph's own UV map, in the first part."""
    random_view_every: int = 2
    """The identity term on a random view is evaluated in every so many steps, and weighs so many times as much."""
    learning_rate: float = 1e-3
    """Of Adam at its highest."""
    warm_up_images: int = 1000
    """Over which the learning rate rises from 0."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Adam moments."""
    gradient_norm: float = 5.0
    """Longer gradients are shortened to this norm."""
    augment: bool = True
    """Change what the network sees (flip, scale, colour, blur, occlusion), not what it is compared with."""
