"""What the trainings of all networks share: maps, weights of texels, time, random numbers, losses and their record."""

from __future__ import annotations

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ganfit_core.texture.config import RunConfig
from ganfit_core.texture.maps import MapPyramid, MapShards
from ganfit_core.texture.model import TextureModel

_SHEET_SIZE = 64
# The half-life never exceeds this share of the images seen (StyleGAN2-ADA): an early average would lag.
EMA_RAMP = 0.05


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Exponential moving average of parameters, in place: average <- decay average + (1 - decay) model."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1.0 - decay)


def fixed_samples(draw: Callable[[Tensor], Tensor], model: TextureModel, seed: int) -> Float[Tensor, "64 3 r r"]:
    """Maps that `draw` makes of latents of the model that depend on the seed alone, for a sheet."""
    latents = model.sample_latents(_SHEET_SIZE, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return torch.cat([draw(chunk) for chunk in latents.split(16)])


class Trainer(ABC):
    """State of one run.

    Args:
        config: of the run.
        maps: to learn from.
        mask: (R, R) in [0, 1], weight of each texel in every loss; None: all alike.
        minutes: bound on the wall-clock time over all resumed runs.
        device: torch device.
        sides: at which maps are shown.

    Raises ValueError for a mask or sides that do not suit the maps, or a run without an end.
    """

    members: ClassVar[tuple[str, ...]]
    """Attributes that make up a checkpoint: networks and optimisers."""
    config: RunConfig
    average: TextureModel
    """Exponential moving average of the model that is trained."""

    def __init__(
        self,
        config: RunConfig,
        maps: MapShards,
        mask: Float[np.ndarray, "r r"] | None,
        minutes: float | None,
        device: str,
        sides: set[int],
    ) -> None:
        if config.total_images is None and minutes is None:
            raise ValueError("give total_images in the config or a budget in minutes")
        shape = (maps.resolution, maps.resolution)
        if mask is None:
            mask = np.ones(shape, np.float32)
        if mask.shape != shape:
            raise ValueError(f"mask {mask.shape} does not match maps {shape}")
        self.config, self.minutes, self.device = config, minutes, torch.device(device)
        self.pyramid = MapPyramid(maps, sides)
        weight = torch.from_numpy(mask)[None, None].float()
        self.learns_from = {
            "maps_sha256": maps.sha256(),
            "mask_sha256": hashlib.sha256(weight.numpy().tobytes()).hexdigest(),
        }
        self.weights = {side: F.avg_pool2d(weight, maps.resolution // side).to(self.device) for side in sides}
        self.random = torch.Generator().manual_seed(config.seed + 1)
        self.images = self.steps = 0
        self.seconds = 0.0
        self.sums: defaultdict[str, float] = defaultdict(float)

    @abstractmethod
    def step(self) -> None:
        """One update of the networks and of the average."""

    @abstractmethod
    def sheet(self) -> Float[Tensor, "64 3 r r"]:
        """Samples of the averaged model for latents that stay the same throughout a run."""

    @abstractmethod
    def finished(self) -> TextureModel:
        """The averaged model."""

    def position(self) -> dict[str, Any]:
        """Where in its schedule the run is, for the log."""
        return {}

    def progress(self) -> float:
        """Share of the run that is done, in [0, 1]."""
        by_time = self.seconds / (60.0 * self.minutes) if self.minutes is not None else 0.0
        if self.config.total_images is None:
            return min(by_time, 1.0)
        if by_time >= 1.0:
            return 1.0
        return min(self.images / self.config.total_images, 1.0)

    def drain_log(self) -> dict[str, float]:
        """Means of the losses since the last call."""
        names = [name for name in self.sums if "/" not in name]
        means = {name: round(self.sums[name] / self.sums[f"{name}/count"], 5) for name in names}
        self.sums.clear()
        return means

    def config_text(self) -> str:
        """The config as JSON, the same for the same config."""
        return json.dumps(self.config.to_dict(), sort_keys=True)

    def state(self) -> dict[str, Any]:
        """Everything needed to continue exactly."""
        return {
            "config": self.config_text(),
            "learns_from": self.learns_from,
            **{name: getattr(self, name).state_dict() for name in self.members},
            "random": self.random.get_state(),
            "minutes": self.minutes,
            "images": self.images,
            "steps": self.steps,
            "seconds": self.seconds,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from `state`. Raises ValueError if it belongs to another config, maps or time budget."""
        if state["config"] != self.config_text():
            raise ValueError("the checkpoint belongs to another configuration; use another folder")
        if state.get("learns_from") != self.learns_from:
            raise ValueError("the checkpoint belongs to other maps; use another folder")
        if self.config.total_images is None and state["minutes"] != self.minutes:
            # What is scheduled follows the clock: another budget would jump back to an earlier phase.
            raise ValueError(f"the run was begun for {state['minutes']:g} minutes; continue it with the same number")
        for name in self.members:
            getattr(self, name).load_state_dict(state[name])
        self.random.set_state(state["random"])
        self.images, self.steps, self.seconds = state["images"], state["steps"], state["seconds"]

    def _maps(self, side: int, n: int, alpha: float = 1.0) -> tuple[Float[Tensor, "n 3 s s"], Tensor, Tensor]:
        """Random maps in [-1, 1], their indices, and which of them are mirrored."""
        indices = torch.randint(len(self.pyramid), (n,), generator=self.random)
        flips = torch.rand(n, generator=self.random) < (0.5 if self.config.flip else 0.0)
        return self.pyramid.batch(side, indices, flips, alpha).to(self.device), indices, flips

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16")

    def _update(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    def _shown(self, n: int, *followed: tuple[nn.Module, nn.Module]) -> None:
        """Count a step of `n` images and let averages, given with what they follow, do so."""
        self.images += n
        self.steps += 1
        half_life = min(self.config.ema_half_life, EMA_RAMP * self.images)
        for average, model in followed:
            update_average(average, model, 0.5 ** (n / half_life))

    def _record(self, **values: Tensor) -> None:
        for name, value in values.items():
            number = float(value.detach())
            if not math.isfinite(number):
                raise FloatingPointError(f"{name} loss is {number} after {self.images} images")
            self.sums[name] += number
            self.sums[f"{name}/count"] += 1
