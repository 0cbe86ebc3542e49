"""Progressive-growing GAN of UV textures (GANFIT Sec. 3.1)."""

from ganfit_core.texture.config import NetworkConfig, Stage, TrainingConfig
from ganfit_core.texture.generator import Generator

__all__ = ["Generator", "NetworkConfig", "Stage", "TrainingConfig"]
