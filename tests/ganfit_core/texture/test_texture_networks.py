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


# Karras et al. 2018, Table 2: channels of the block at each side, and parameters of its two convolutions
TABLE_2 = {
    4: (512, 4.2e6, 2.4e6),
    8: (512, 2.4e6, 2.4e6),
    16: (512, 2.4e6, 2.4e6),
    32: (512, 2.4e6, 2.4e6),
    64: (256, 1.2e6, 590e3),
    128: (128, 295e3, 148e3),
    256: (64, 74e3, 37e3),
    512: (32, 18e3, 9.2e3),
}


def weights_of(*layers):
    return [sum(parameter.numel() for parameter in layer.parameters()) for layer in layers]


def test_the_papers_networks_are_those_of_karras_et_al():
    with torch.device("meta"):
        config = TrainingConfig.paper(512, "fp32")
        generator, critic = Generator(config.network), Discriminator(config.network)
    assert config.network.resolutions == tuple(TABLE_2)
    for side, (channels, *expected) in TABLE_2.items():
        block = generator.blocks[str(side)] if side > 4 else None
        layers = (block.conv0, block.conv1) if block else (generator.dense, generator.first)
        assert weights_of(*layers) == pytest.approx(expected, rel=0.03)
        assert layers[1].weight.shape[0] == channels
        assert generator.to_rgb[str(side)].weight.shape == (3, channels, 1, 1)
        assert critic.from_rgb[str(side)].weight.shape == (channels, 3, 1, 1)
        if side > 4:
            mirrored = critic.blocks[str(side)]
            assert weights_of(mirrored.conv1, mirrored.conv0) == pytest.approx(expected, rel=0.03)
    last = weights_of(critic.final_conv, critic.final_dense, critic.score)
    assert last == pytest.approx([2.4e6, 4.2e6, 513], rel=0.03)
    assert generator(torch.empty(2, 512, device="meta")).shape == (2, 3, 512, 512)


def test_the_papers_training_is_that_of_karras_et_al():
    config = TrainingConfig.paper(512, "bf16")
    assert (config.loss, config.precision) == ("wgan-gp", "bf16")
    assert (config.gradient_penalty, config.drift, config.betas) == (10.0, 0.001, (0.0, 0.99))
    assert (config.generator_lr, config.discriminator_lr, config.rate_decay) == (1e-3, 1e-3, 0.0)
    assert not config.uses_map_latents
    assert [stage.resolution for stage in config.schedule if stage.phase == "fade"] == [8, 16, 32, 64, 128, 256, 512]
    assert [config.batch_sizes[side] for side in (128, 256, 512)] == [16, 14, 6]


def test_wrong_shapes_are_refused(generator):
    with pytest.raises(ValueError, match="power of two"):
        NetworkConfig(resolution=96)
    with pytest.raises(ValueError, match="no channels"):
        NetworkConfig(resolution=512, fmap_base=128)
    with pytest.raises(ValueError, match="no block"):
        generator(torch.randn(1, 8), 32)
