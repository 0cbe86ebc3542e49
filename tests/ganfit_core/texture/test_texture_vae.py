import math

import pytest
import torch

from ganfit_core.texture import NetworkConfig, VAEDecoder, VAETrainingConfig, load_texture_model
from ganfit_core.texture.losses import gaussian_evidence
from ganfit_core.texture.vae import VAEEncoder
from ganfit_core.texture.vae_trainer import VAETrainer
from ganfit_core.training.loop import train

SMALL = NetworkConfig(latent_dim=8, resolution=32, fmap_base=64, fmap_max=16)


def test_evidence_is_the_gaussian_likelihood_at_its_best_variance_less_the_divergence():
    generator = torch.Generator().manual_seed(0)
    output, target = (torch.randn(5, 3, 8, 8, generator=generator) for _ in range(2))
    mean, log_variance = (torch.randn(5, 4, generator=generator) for _ in range(2))
    found = gaussian_evidence(output, target, torch.ones(1, 1, 8, 8), mean, log_variance)

    posterior = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    divergence = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0, 1)).sum(1).mean()
    assert found.divergence.item() == pytest.approx(divergence.item(), rel=1e-5)

    def bound(deviation):
        likelihood = torch.distributions.Normal(output, deviation).log_prob(target).sum((1, 2, 3)).mean()
        return (divergence - likelihood).item() / 192

    constant = 0.5 * math.log(2 * math.pi) + 0.5
    deviation = found.deviation.item()
    assert found.loss.item() + constant == pytest.approx(bound(deviation), rel=1e-5)
    assert bound(deviation) < min(bound(0.95 * deviation), bound(1.05 * deviation))


def test_texels_without_weight_are_no_evidence():
    target = torch.zeros(2, 3, 4, 4)
    output = torch.full_like(target, 0.5)
    output[..., 2:] = 9.0
    weight = torch.ones(1, 1, 4, 4)
    weight[..., 2:] = 0
    found = gaussian_evidence(output, target, weight, torch.ones(2, 6), torch.zeros(2, 6))
    assert found.deviation.item() == pytest.approx(0.5)
    assert found.loss.item() == pytest.approx(math.log(0.5) + 3.0 / 24)


def test_encoder_and_decoder_fit_together():
    torch.manual_seed(0)
    mean, log_variance = VAEEncoder(SMALL)(torch.randn(4, 3, 32, 32))
    assert mean.shape == log_variance.shape == (4, 8)
    assert VAEDecoder(SMALL)(mean).shape == (4, 3, 32, 32)


def test_length_of_the_latent_matters():
    torch.manual_seed(0)
    decoder = VAEDecoder(SMALL)
    latent = torch.randn(2, 8)
    assert not torch.allclose(decoder(latent), decoder(2 * latent), atol=1e-2)


def test_another_prior_is_folded_into_the_decoder():
    torch.manual_seed(0)
    decoder = VAEDecoder(SMALL)
    mean, factor = torch.randn(8), torch.randn(8, 8).tril() + 3 * torch.eye(8)
    changed = decoder.with_prior(mean, factor @ factor.T)
    noise = torch.randn(5, 8)
    signs = factor.diagonal().sign()
    assert torch.allclose(changed(noise), decoder(mean + noise @ (factor * signs).T), atol=1e-4)


@pytest.fixture(scope="module")
def trained(maps, tmp_path_factory):
    out = tmp_path_factory.mktemp("vae")
    network = NetworkConfig(latent_dim=8, resolution=16, fmap_base=128, fmap_max=32)
    config = VAETrainingConfig(network=network, total_images=2400, learning_rate=1e-2, ema_half_life=200.0)
    trainer = VAETrainer(config, maps, None, None, "cpu")
    return train(trainer, out, log_images=1000), trainer


def test_prior_is_the_moments_of_the_latents_of_all_maps(trained):
    _, trainer = trained
    mean, covariance = trainer.prior(48)
    plain, mirrored = (trainer.pyramid.batch(16, torch.arange(48), torch.full((48,), flip)) for flip in (False, True))
    with torch.no_grad():
        centres, log_variances = trainer.average_encoder(torch.cat([plain, mirrored]))
    draws = centres + torch.randn(2000, 96, 8, generator=torch.Generator().manual_seed(0)) * (0.5 * log_variances).exp()
    flat = draws.flatten(0, 1)
    assert torch.allclose(mean, flat.mean(0), atol=0.02)
    assert torch.allclose(covariance, torch.cov(flat.T), atol=0.03 * covariance.diagonal().max())


def test_training_reconstructs_and_samples_like_the_maps(trained):
    result, trainer = trained
    target = trainer.pyramid.batch(16, torch.arange(48), torch.zeros(48, dtype=torch.bool))
    with torch.no_grad():
        mean, _ = trainer.average_encoder(target)
        error = (trainer.average(mean) * 2 - 1 - target).abs().mean()
        samples = load_texture_model(result.path).sample(500, torch.Generator().manual_seed(0)) * 2 - 1
    spread = (target - target.mean(0)).abs().mean()
    assert error < 0.7 * spread
    assert (samples.mean(0) - target.mean(0)).abs().mean() < 0.3 * spread
    assert 0.4 < (samples - samples.mean(0)).abs().mean() / spread < 1.5


def test_recipe_is_as_large_as_the_generator_and_fits_the_size_limit():
    parameters = sum(p.numel() for p in VAEDecoder(VAETrainingConfig.cpu_128().network).parameters())
    assert 1e6 < parameters < 3e6
