import pytest
import torch

from ganfit_core.texture import Generator, NetworkConfig, TrainingConfig
from ganfit_core.texture.discriminator import Discriminator
from ganfit_core.texture.layers import downsample, upsample

SMALL = NetworkConfig(latent_dim=8, resolution=16, fmap_base=64, fmap_max=16)


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(SMALL)


def test_output_is_an_image_in_the_unit_interval(generator):
    images = generator.sample(4, torch.Generator().manual_seed(0))
    assert images.shape == (4, 3, 16, 16)
    assert images.min() >= 0
    assert images.max() <= 1
    assert images.std() > 0.01


def test_length_of_the_latent_does_not_matter(generator):
    latent = torch.randn(2, 8)
    assert torch.allclose(generator(latent), generator(latent * 7), atol=1e-5)


def test_fade_in_starts_at_the_previous_resolution_and_ends_at_the_new(generator):
    latent = torch.randn(3, 8)
    previous = upsample(generator(latent, 8))
    assert torch.allclose(generator(latent, 16, alpha=0.0), previous, atol=1e-6)
    new = generator(latent, 16)
    assert torch.allclose(generator(latent, 16, alpha=1.0 - 1e-6), new, atol=1e-4)
    assert not torch.allclose(new, previous, atol=1e-2)


def test_discriminator_fade_in_starts_at_the_previous_resolution():
    torch.manual_seed(0)
    critic = Discriminator(SMALL)
    images = torch.randn(4, 3, 16, 16)
    assert torch.allclose(critic(images, alpha=0.0), critic(downsample(images)), atol=1e-5)
    assert not torch.allclose(critic(images), critic(downsample(images)), atol=1e-3)


def test_truncated_generator_draws_the_same_small_maps(generator):
    latent = torch.randn(2, 8)
    assert torch.equal(generator.truncated(8)(latent), generator(latent, 8))


def test_recipe_fits_the_size_limit():
    network = TrainingConfig.cpu_128().network
    parameters = sum(p.numel() for p in Generator(network).parameters())
    assert 1e6 < parameters < 3e6
    assert parameters * 4 < 16 * 2**20


def test_wrong_shapes_are_refused(generator):
    with pytest.raises(ValueError, match="power of two"):
        NetworkConfig(resolution=96)
    with pytest.raises(ValueError, match="no channels"):
        NetworkConfig(resolution=512, fmap_base=128)
    with pytest.raises(ValueError, match="no block"):
        generator(torch.randn(1, 8), 32)
