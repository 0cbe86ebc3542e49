"""Models of UV textures, latent -> map, and their training (Fast-GANFIT Sec. 3.1, Table 2)."""

# All kinds are imported here, so that `load_texture_model` knows them however it is reached.
from ganfit_core.texture.config import NetworkConfig, PCAConfig, Stage, TrainingConfig, VAETrainingConfig
from ganfit_core.texture.generator import Generator
from ganfit_core.texture.model import TextureModel, load_texture_model
from ganfit_core.texture.pca import PCATexture
from ganfit_core.texture.vae import VAEDecoder

__all__ = [
    "Generator",
    "NetworkConfig",
    "PCAConfig",
    "PCATexture",
    "Stage",
    "TextureModel",
    "TrainingConfig",
    "VAEDecoder",
    "VAETrainingConfig",
    "load_texture_model",
]
