"""Update steps of the texture GAN's training (Karras et al. 2018)."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ganfit_core.texture import losses
from ganfit_core.texture.config import BASE_RESOLUTION, Stage, TrainingConfig
from ganfit_core.texture.discriminator import Discriminator
from ganfit_core.texture.generator import Generator
from ganfit_core.texture.maps import PCA_RESOLUTION, LatentPCA, MapShards
from ganfit_core.texture.trainer import TextureTrainer, fixed_samples


class GANTrainer(TextureTrainer):
    """Generator, discriminator, their optimisers and the position in the schedule; arguments as of `TextureTrainer`."""

    members: ClassVar[tuple[str, ...]] = (
        "generator",
        "discriminator",
        "average",
        "generator_adam",
        "discriminator_adam",
    )
    config: TrainingConfig
    average: Generator

    def __init__(
        self,
        config: TrainingConfig,
        maps: MapShards,
        mask: Float[np.ndarray, "r r"] | None,
        minutes: float | None,
        device: str,
    ) -> None:
        sides = {stage.resolution for stage in config.schedule}
        if config.uses_map_latents:
            sides |= {PCA_RESOLUTION}
        if config.anchor_weight > 0 and config.anchor_resolution <= maps.resolution:
            sides |= {config.anchor_resolution}
        super().__init__(config, maps, mask, minutes, device, sides)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.generator = Generator(config.network).to(self.device)
            self.discriminator = Discriminator(config.network).to(self.device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.generator_adam = torch.optim.Adam(
            self.generator.parameters(), config.generator_lr, betas=config.betas, fused=True
        )
        self.discriminator_adam = torch.optim.Adam(
            self.discriminator.parameters(), config.discriminator_lr, betas=config.betas, fused=True
        )
        if config.uses_map_latents:
            self._fit_latents()

    def _fit_latents(self) -> None:
        everything = torch.arange(len(self.pyramid))
        plain = torch.zeros(len(self.pyramid), dtype=torch.bool)
        images = [self.pyramid.batch(PCA_RESOLUTION, everything, plain)]
        images.append(images[0].flip(-1))
        used = torch.cat(images) if self.config.flip else images[0]
        pca = LatentPCA.fit(used, self.config.network.latent_dim)
        # Row 0: maps as they are; row 1: mirrored.
        self.map_latents = torch.stack([pca.encode(x) for x in images])

    def schedule_position(self) -> tuple[Stage, float]:
        """Current stage and alpha, by images or, without `total_images`, by time."""
        if self.config.total_images is None:
            return self.config.position(self.progress())
        return self.config.position(self.images / self.config.total_images)

    def step(self) -> None:
        """One update of both networks (of the generator alone while reconstructing) and of the average."""
        stage, alpha = self.schedule_position()
        reconstructs = stage.phase == "reconstruct"
        rate = self.config.reconstruction_lr if reconstructs else self.config.generator_lr
        self.generator_adam.param_groups[0]["lr"] = rate * self._decay()
        self.discriminator_adam.param_groups[0]["lr"] = self.config.discriminator_lr * self._decay()
        n = self.config.batch_sizes[stage.resolution]
        real, indices, flips = self._maps(stage.resolution, n, alpha)
        latents = torch.randn(n, self.config.network.latent_dim, generator=self.random)
        if reconstructs:
            latents = self.map_latents[flips.long(), indices]
            self._reconstruct(stage.resolution, real, latents.to(self.device))
        else:
            paired = n // 2 if self.config.anchor_weight > 0 else 0
            if paired:
                latents[:paired] = self.map_latents[flips[:paired].long(), indices[:paired]]
            self._adversarial(stage.resolution, alpha, real, latents.to(self.device), paired)
        self._shown(n, (self.average, self.generator))

    def _decay(self) -> float:
        share = self.config.rate_decay
        return min(1.0, (1.0 - self.progress()) / share) if share > 0 else 1.0

    def _reconstruct(self, side: int, real: Tensor, latents: Tensor) -> None:
        with self._autocast():
            output = self.generator(latents, side)
        loss = losses.reconstruction_loss(output * 2 - 1, real, self.weights[side])
        self._update(self.generator_adam, loss)
        self._record(reconstruction=loss)

    def _adversarial(self, side: int, alpha: float, real: Tensor, latents: Tensor, paired: int) -> None:
        config, weight = self.config, self.weights[side]

        def critic(images: Tensor) -> Tensor:
            return self.discriminator(images, alpha)

        # One generated batch serves both updates: a generator pass less than drawing a second one.
        with self._autocast():
            output = self.generator(latents, side, alpha) * 2 - 1
        seen_real, seen_fake = real * weight, output * weight

        with self._autocast():
            real_scores, fake_scores = critic(seen_real), critic(seen_fake.detach())
        if config.loss == "wgan-gp":
            penalty = losses.wgan_gradient_penalty(critic, seen_real, seen_fake, self.random)
            loss = losses.wgan_discriminator_loss(real_scores, fake_scores, config.drift)
            loss = loss + config.gradient_penalty * penalty
            self._record(penalty=penalty)
        else:
            loss = losses.nonsaturating_discriminator_loss(real_scores, fake_scores)
            if self.steps % config.r1_interval == 0:
                # Half of the batch estimates the same expectation at half of the double backward's cost.
                penalty = losses.r1_penalty(critic, seen_real[: max(1, len(real) // 2)])
                loss = loss + 0.5 * config.r1_gamma * config.r1_interval * penalty
                self._record(penalty=penalty)
        self._update(self.discriminator_adam, loss)
        self._record(discriminator=loss, real_score=real_scores.mean(), fake_score=fake_scores.mean())

        self.discriminator.requires_grad_(False)
        with self._autocast():
            scores = critic(seen_fake)
        if config.loss == "wgan-gp":
            loss = losses.wgan_generator_loss(scores)
        else:
            loss = losses.nonsaturating_generator_loss(scores)
        self._record(generator=loss)
        if paired:
            anchor = self._anchor(output[:paired], real[:paired])
            loss = loss + config.anchor_weight * anchor
            self._record(anchor=anchor)
        self._update(self.generator_adam, loss)
        self.discriminator.requires_grad_(True)

    def _anchor(self, output: Tensor, real: Tensor) -> Tensor:
        side = min(output.shape[-1], self.config.anchor_resolution)
        output, real = (F.avg_pool2d(x, x.shape[-1] // side) for x in (output, real))
        return losses.reconstruction_loss(output, real, self.weights[side])

    def position(self) -> dict[str, Any]:
        """Side, phase and alpha."""
        stage, alpha = self.schedule_position()
        return {"resolution": stage.resolution, "phase": stage.phase, "alpha": round(alpha, 3)}

    def sheet(self) -> Float[Tensor, "64 3 r r"]:
        """Samples of the averaged generator at the side it has reached."""
        stage, alpha = self.schedule_position()
        return fixed_samples(lambda z: self.average(z, stage.resolution, alpha), self.average, self.config.seed)

    def finished(self) -> Generator:
        """The averaged generator, cut at the side it has reached; a block counts once it is half faded in."""
        stage, alpha = self.schedule_position()
        side = stage.resolution if alpha >= 0.5 else stage.resolution // 2
        return self.average.truncated(max(side, 2 * BASE_RESOLUTION)).eval()
