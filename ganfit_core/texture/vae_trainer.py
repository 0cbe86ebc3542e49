"""Update steps of the VAE's training."""

from __future__ import annotations

import copy
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ganfit_core.texture.config import VAETrainingConfig
from ganfit_core.texture.losses import gaussian_evidence
from ganfit_core.texture.maps import MapShards
from ganfit_core.texture.trainer import TextureTrainer, fixed_samples
from ganfit_core.texture.vae import VAEDecoder, VAEEncoder

# Maps from which the prior of a sheet of samples is estimated; the finished model's is from all.
_SHEET_MAPS = 2048
_BATCH = 64


class VAETrainer(TextureTrainer):
    """Encoder, decoder and their optimiser; arguments as of `TextureTrainer`."""

    members: ClassVar[tuple[str, ...]] = ("encoder", "decoder", "average", "average_encoder", "adam")
    config: VAETrainingConfig
    average: VAEDecoder

    def __init__(
        self,
        config: VAETrainingConfig,
        maps: MapShards,
        mask: Float[np.ndarray, "r r"] | None,
        minutes: float | None,
        device: str,
    ) -> None:
        super().__init__(config, maps, mask, minutes, device, {config.network.resolution})
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.encoder = VAEEncoder(config.network).to(self.device)
            self.decoder = VAEDecoder(config.network).to(self.device)
        self.average = copy.deepcopy(self.decoder).requires_grad_(False)
        self.average_encoder = copy.deepcopy(self.encoder).requires_grad_(False)
        parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.adam = torch.optim.Adam(parameters, config.learning_rate, betas=config.betas, fused=True)

    def step(self) -> None:
        """One update of both networks and of their averages."""
        side, n = self.config.network.resolution, self.config.batch_size
        real, _, _ = self._maps(side, n)
        noise = torch.randn(n, self.config.network.latent_dim, generator=self.random).to(self.device)
        with self._autocast():
            mean, log_variance = self.encoder(real)
            output = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        evidence = gaussian_evidence(output * 2 - 1, real, self.weights[side], mean, log_variance)
        self._update(self.adam, evidence.loss)
        self._record(loss=evidence.loss, deviation=evidence.deviation, divergence=evidence.divergence)
        self._shown(n, (self.average, self.decoder), (self.average_encoder, self.encoder))

    def sheet(self) -> Float[Tensor, "64 3 r r"]:
        """Samples of the averaged decoder."""
        model = self.average.with_prior(*self.prior(_SHEET_MAPS))
        return fixed_samples(model, model, self.config.seed)

    def finished(self) -> VAEDecoder:
        """The averaged decoder under the prior that suits it best."""
        return self.average.with_prior(*self.prior(len(self.pyramid))).eval()

    @torch.no_grad()
    def prior(self, maps: int) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
        """Mean and covariance of the latents of the first maps and of their mirror images.

        No other Gaussian prior gives these networks a larger evidence lower bound: the KL divergence is least for the
        aggregated posterior's moments (ex-post density estimation, Ghosh et al. 2020). The prior of the training,
        N(0, I), is met only late: before, the latents of all maps lie off together, and samples show no face.
        """
        means, variances = [], []
        for indices in torch.arange(min(maps, len(self.pyramid))).split(_BATCH):
            for flipped in (False, True) if self.config.flip else (False,):
                flips = torch.full((len(indices),), flipped)
                images = self.pyramid.batch(self.config.network.resolution, indices, flips).to(self.device)
                with self._autocast():
                    mean, log_variance = self.average_encoder(images)
                means.append(mean)
                variances.append(log_variance.exp())
        centres = torch.cat(means)
        covariance = torch.cov(centres.T, correction=0) + torch.cat(variances).mean(dim=0).diag()
        return centres.mean(dim=0), covariance
