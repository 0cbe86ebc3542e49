"""Linear texture model: the principal components of UV maps (Blanz & Vetter 1999; Fast-GANFIT, Table 2)."""

from __future__ import annotations

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from ganfit_core.texture.config import PCAConfig
from ganfit_core.texture.model import TextureModel

_LEVELS = 127


class PCATexture(TextureModel):
    """mean + sum of p_t times components, each scaled by its standard deviation.

    Unlike the other models' maps these may leave [0, 1] a little: a clamp would take the gradient from the latents.
    What shows or scores them clamps.

    In the file a component is 8-bit integers and one scale: 128x128 texels by 256 components are 12 MiB.
    """

    kind: ClassVar[str] = "pca"
    config_type: ClassVar[type[PCAConfig]] = PCAConfig
    config: PCAConfig
    mean: Tensor
    basis: Tensor

    def __init__(self, config: PCAConfig) -> None:
        super().__init__(config)
        texels = 3 * config.resolution**2
        self.register_buffer("mean", torch.zeros(texels))
        self.register_buffer("basis", torch.zeros(config.latent_dim, texels))

    def forward(self, latent: Float[Tensor, "b d"]) -> Float[Tensor, "b 3 r r"]:
        """UV maps, RGB, in [0, 1] but for what the components overshoot."""
        maps = torch.addmm(self.mean, latent.float(), self.basis)
        return maps.unflatten(1, (3, self.resolution, self.resolution))

    def stored(self) -> dict[str, Tensor]:
        """Mean, rounded components and their scales."""
        scale = (self.basis.abs().amax(dim=1) / _LEVELS).clamp_min(torch.finfo(torch.float32).tiny)
        rounded = (self.basis / scale[:, None]).round().to(torch.int8)
        return {"mean": self.mean, "rounded": rounded, "scale": scale}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take mean and components from `stored` tensors."""
        basis = tensors["rounded"].float() * tensors["scale"][:, None]
        self.load_state_dict({"mean": tensors["mean"], "basis": basis})
