"""What the trainings of the texture networks share: maps, weights of texels, sheets of samples."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ganfit_core.texture.config import TextureRunConfig
from ganfit_core.texture.maps import MapPyramid, MapShards
from ganfit_core.texture.model import TextureModel
from ganfit_core.training.trainer import Trainer

_SHEET_SIZE = 64


def fixed_samples(draw: Callable[[Tensor], Tensor], model: TextureModel, seed: int) -> Float[Tensor, "64 3 r r"]:
    """Maps that `draw` makes of latents of the model that depend on the seed alone, for a sheet."""
    latents = model.sample_latents(_SHEET_SIZE, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return torch.cat([draw(chunk) for chunk in latents.split(16)])


class TextureTrainer(Trainer):
    """A `Trainer` that learns from UV maps.

    Args:
        config, minutes, device: as of `Trainer`.
        maps: to learn from.
        mask: (R, R) in [0, 1], weight of each texel in every loss; None: all alike.
        sides: at which maps are shown.

    Raises ValueError for a mask or sides that do not suit the maps, or a run without an end.
    """

    members: ClassVar[tuple[str, ...]]
    config: TextureRunConfig
    average: TextureModel
    """Exponential moving average of the model that is trained."""

    def __init__(
        self,
        config: TextureRunConfig,
        maps: MapShards,
        mask: Float[np.ndarray, "r r"] | None,
        minutes: float | None,
        device: str,
        sides: set[int],
    ) -> None:
        shape = (maps.resolution, maps.resolution)
        if mask is None:
            mask = np.ones(shape, np.float32)
        if mask.shape != shape:
            raise ValueError(f"mask {mask.shape} does not match maps {shape}")
        weight = torch.from_numpy(mask)[None, None].float()
        learns_from = {
            "maps_sha256": maps.sha256(),
            "mask_sha256": hashlib.sha256(weight.numpy().tobytes()).hexdigest(),
        }
        super().__init__(config, learns_from, minutes, device)
        self.pyramid = MapPyramid(maps, sides)
        self.weights = {side: F.avg_pool2d(weight, maps.resolution // side).to(self.device) for side in sides}

    def _maps(self, side: int, n: int, alpha: float = 1.0) -> tuple[Float[Tensor, "n 3 s s"], Tensor, Tensor]:
        """Random maps in [-1, 1], their indices, and which of them are mirrored."""
        indices = torch.randint(len(self.pyramid), (n,), generator=self.random)
        flips = torch.rand(n, generator=self.random) < (0.5 if self.config.flip else 0.0)
        return self.pyramid.batch(side, indices, flips, alpha).to(self.device), indices, flips
