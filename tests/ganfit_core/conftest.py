"""The shipped shape model, an identity network and a small untrained texture model."""

import importlib.metadata
from pathlib import Path

import pytest
import torch

from ganfit_core.identity import DlibResNet
from ganfit_core.morphable import MorphableModel
from ganfit_core.texture.config import NetworkConfig
from ganfit_core.texture.generator import Generator
from tests.heads import SHIPPED_MODEL


@pytest.fixture(scope="session")
def model() -> MorphableModel:
    return MorphableModel.load(SHIPPED_MODEL)


@pytest.fixture(scope="session")
def identity_network() -> DlibResNet:
    files = importlib.metadata.files("face-recognition-models") or []
    weights = next(file for file in files if file.name == "dlib_face_recognition_resnet_model_v1.dat")
    return DlibResNet.load(Path(str(weights.locate())))


@pytest.fixture(scope="session")
def texture_model() -> Generator:
    """Draws pale blotches, not the saturated ones of a network as it is initialised."""
    torch.manual_seed(0)
    generator = Generator(NetworkConfig(latent_dim=16, resolution=32, fmap_base=64, fmap_max=16)).eval()
    generator.requires_grad_(False)
    generator.to_rgb["32"].get_parameter("weight").mul_(0.2)
    return generator
