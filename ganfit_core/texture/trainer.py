"""State and update steps of the texture GAN's training (Karras et al. 2018)."""

from __future__ import annotations

import copy
import json
import math
from collections import defaultdict
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from ganfit_core.texture import losses
from ganfit_core.texture.config import BASE_RESOLUTION, Stage, TrainingConfig
from ganfit_core.texture.discriminator import Discriminator
from ganfit_core.texture.generator import Generator
from ganfit_core.texture.maps import PCA_RESOLUTION, LatentPCA, MapPyramid

SHEET_SIZE = 64
# The half-life never exceeds this share of the images seen (StyleGAN2-ADA): an early average would lag.
EMA_RAMP = 0.05


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Exponential moving average of parameters, in place: average <- decay average + (1 - decay) model."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1.0 - decay)


class Trainer:
    """State of one run: networks, optimisers, random streams and position in the schedule."""

    def __init__(
        self,
        config: TrainingConfig,
        maps: UInt8[np.ndarray, "n r r 3"],
        mask: Float[np.ndarray, "r r"] | None,
        minutes: float | None,
        device: str,
    ) -> None:
        if config.total_images is None and minutes is None:
            raise ValueError("give total_images in the config or a budget in minutes")
        if mask is not None and mask.shape != maps.shape[1:3]:
            raise ValueError(f"mask {mask.shape} does not match maps {maps.shape[1:3]}")
        self.config, self.minutes, self.device = config, minutes, torch.device(device)
        sides = {stage.resolution for stage in config.schedule}
        self.pyramid = MapPyramid(maps, sides | ({PCA_RESOLUTION} if config.uses_map_latents else set()))
        if mask is None:
            mask = np.ones(maps.shape[1:3], np.float32)
        weight = torch.from_numpy(mask)[None, None].float()
        self.weights = {
            side: F.avg_pool2d(weight, weight.shape[-1] // side).to(self.device)
            for side in {*sides, *(s for s in (config.anchor_resolution,) if s <= weight.shape[-1])}
        }
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
        self.random = torch.Generator().manual_seed(config.seed + 1)
        self.images = self.steps = 0
        self.seconds = 0.0
        self.sums: defaultdict[str, float] = defaultdict(float)
        self.pca: LatentPCA | None = None
        if config.uses_map_latents:
            self._fit_latents()

    def _fit_latents(self) -> None:
        everything = torch.arange(len(self.pyramid))
        plain = torch.zeros(len(self.pyramid), dtype=torch.bool)
        images = [self.pyramid.batch(PCA_RESOLUTION, everything, plain)]
        images.append(images[0].flip(-1))
        used = torch.cat(images) if self.config.flip else images[0]
        self.pca = LatentPCA.fit(used, self.config.network.latent_dim)
        # Row 0: maps as they are; row 1: mirrored.
        self.map_latents = torch.stack([self.pca.encode(x) for x in images])

    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        by_time = self.seconds / (60.0 * self.minutes) if self.minutes is not None else 0.0
        if self.config.total_images is None:
            return min(by_time, 1.0)
        if by_time >= 1.0:
            return 1.0
        return min(self.images / self.config.total_images, 1.0)

    def schedule_position(self) -> tuple[Stage, float]:
        """Current stage and alpha, by images or, without `total_images`, by time."""
        if self.config.total_images is None:
            return self.config.position(self.progress())
        return self.config.position(self.images / self.config.total_images)

    def step(self) -> None:
        """One update of both networks (of the generator alone while reconstructing) and of the average."""
        stage, alpha = self.schedule_position()
        reconstructs = stage.phase == "reconstruct"
        self.generator_adam.param_groups[0]["lr"] = (
            self.config.reconstruction_lr if reconstructs else self.config.generator_lr
        )
        n = self.config.batch_sizes[stage.resolution]
        indices = torch.randint(len(self.pyramid), (n,), generator=self.random)
        flips = torch.rand(n, generator=self.random) < (0.5 if self.config.flip else 0.0)
        latents = torch.randn(n, self.config.network.latent_dim, generator=self.random)
        real = self.pyramid.batch(stage.resolution, indices, flips, alpha).to(self.device)
        if reconstructs:
            latents = self.map_latents[flips.long(), indices]
            self._reconstruct(stage.resolution, real, latents.to(self.device))
        else:
            paired = n // 2 if self.config.anchor_weight > 0 else 0
            if paired:
                latents[:paired] = self.map_latents[flips[:paired].long(), indices[:paired]]
            self._adversarial(stage.resolution, alpha, real, latents.to(self.device), paired)
        self.images += n
        self.steps += 1
        half_life = min(self.config.ema_half_life, EMA_RAMP * self.images)
        update_average(self.average, self.generator, 0.5 ** (n / half_life))

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16")

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

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

    def _record(self, **values: Tensor) -> None:
        for name, value in values.items():
            number = float(value.detach())
            if not math.isfinite(number):
                raise FloatingPointError(f"{name} loss is {number} after {self.images} images")
            self.sums[name] += number
            self.sums[f"{name}/count"] += 1

    def drain_log(self) -> dict[str, float]:
        """Means of the losses since the last call."""
        names = [name for name in self.sums if "/" not in name]
        means = {name: round(self.sums[name] / self.sums[f"{name}/count"], 5) for name in names}
        self.sums.clear()
        return means

    def finished_generator(self) -> Generator:
        """The averaged generator, cut at the side it has reached; a block counts once it is half faded in."""
        stage, alpha = self.schedule_position()
        side = stage.resolution if alpha >= 0.5 else stage.resolution // 2
        return self.average.truncated(max(side, 2 * BASE_RESOLUTION)).eval()

    def sheet(self) -> Float[Tensor, "64 3 r r"]:
        """Samples of the averaged generator for latents that stay the same throughout a run."""
        fixed = torch.Generator().manual_seed(self.config.seed)
        latents = torch.randn(SHEET_SIZE, self.config.network.latent_dim, generator=fixed)
        stage, alpha = self.schedule_position()
        with torch.no_grad():
            chunks = [self.average(z.to(self.device), stage.resolution, alpha) for z in latents.split(16)]
        return torch.cat(chunks)

    def state(self) -> dict[str, Any]:
        """Everything needed to continue exactly."""
        return {
            "config": json.dumps(self.config.to_dict(), sort_keys=True),
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.state_dict(),
            "generator_adam": self.generator_adam.state_dict(),
            "discriminator_adam": self.discriminator_adam.state_dict(),
            "random": self.random.get_state(),
            "minutes": self.minutes,
            "images": self.images,
            "steps": self.steps,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`. Raises ValueError if it belongs to another config or time budget."""
        if state["config"] != json.dumps(self.config.to_dict(), sort_keys=True):
            raise ValueError("the checkpoint belongs to another configuration; use another folder")
        if self.config.total_images is None and state["minutes"] != self.minutes:
            # The schedule follows the clock: another budget would jump back to an earlier phase.
            raise ValueError(f"the run was begun for {state['minutes']:g} minutes; continue it with the same number")
        for name in ("generator", "discriminator", "average", "generator_adam", "discriminator_adam"):
            getattr(self, name).load_state_dict(state[name])
        self.random.set_state(state["random"])
        self.images, self.steps, self.seconds = state["images"], state["steps"], state["seconds"]
