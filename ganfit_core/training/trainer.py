"""What the trainings of all networks share: time, random numbers, averages, losses and their record."""

from __future__ import annotations

import json
import math
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ganfit_core.mixed_precision import bfloat16
from ganfit_core.training.config import RunConfig

# The half-life never exceeds this share of the images seen (StyleGAN2-ADA): an early average would lag.
EMA_RAMP = 0.05


class Trainable(Protocol):
    """What comes of a training: a network that knows its file."""

    @property
    def filename(self) -> str:
        """Name under which a training writes it."""

    def save(self, path: Path, provenance: Mapping[str, str]) -> None:
        """Write it to a file."""


def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Exponential moving average of parameters, in place: average <- decay average + (1 - decay) model.

    Buffers are copied: the statistics of batch normalisation are averages already.
    """
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1.0 - decay)
        for ours, theirs in zip(average.buffers(), model.buffers(), strict=True):
            ours.copy_(theirs)


class Trainer(ABC):
    """State of one run.

    Args:
        config: of the run.
        learns_from: hashes of what is learnt from; a checkpoint is bound to them.
        minutes: bound on the wall-clock time over all resumed runs.
        device: torch device.

    Raises ValueError for a run without an end.
    """

    members: ClassVar[tuple[str, ...]]
    """Attributes that make up a checkpoint: networks and optimisers."""
    config: RunConfig

    def __init__(self, config: RunConfig, learns_from: dict[str, str], minutes: float | None, device: str) -> None:
        if config.total_images is None and minutes is None:
            raise ValueError("give total_images in the config or a budget in minutes")
        self.config, self.learns_from, self.minutes = config, learns_from, minutes
        self.device = torch.device(device)
        self.random = torch.Generator().manual_seed(config.seed + 1)
        self.images = self.steps = 0
        self.seconds = 0.0
        self.sums: defaultdict[str, float] = defaultdict(float)

    @abstractmethod
    def step(self) -> None:
        """One update of the networks and of the average."""

    @abstractmethod
    def sheet(self) -> Float[Tensor, "n 3 r r"]:
        """What the averaged model makes of inputs that stay the same throughout a run; n is a multiple of 8."""

    @abstractmethod
    def finished(self) -> Trainable:
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
            raise ValueError("the checkpoint belongs to other training data; use another folder")
        if self.config.total_images is None and state["minutes"] != self.minutes:
            # What is scheduled follows the clock: another budget would jump back to an earlier phase.
            raise ValueError(f"the run was begun for {state['minutes']:g} minutes; continue it with the same number")
        for name in self.members:
            getattr(self, name).load_state_dict(state[name])
        self.random.set_state(state["random"])
        self.images, self.steps, self.seconds = state["images"], state["steps"], state["seconds"]

    def _autocast(self) -> torch.autocast:
        return bfloat16(self.device, self.config.precision == "bf16")

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
