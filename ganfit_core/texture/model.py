"""What every texture model is: latent -> UV map, differentiable, in one file (Fast-GANFIT, Sec. 3.1 and Table 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ganfit_core.texture.projection import absolute_error, nearest, project
from ganfit_core.weights import read_weights, write_weights

FORMAT = "ganfit-texture-model/1"
METADATA = "texture_model"
CANDIDATES = 128

_KINDS: dict[str, type[TextureModel]] = {}


class TextureModel(nn.Module):
    """A texture model G(p_t); under its prior the latents p_t are N(0, I).

    Attributes:
        kind: "gan", "vae" or "pca".
        config: dataclass that builds the network; has `latent_dim` (n_t) and `resolution` (side R of the map).
        provenance: what the weights were made of; "uv_sha256" is the UV layout they belong to.
    """

    kind: ClassVar[str]
    config_type: ClassVar[type[Any]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _KINDS[cls.kind] = cls

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.provenance: dict[str, str] = {}

    @property
    def latent_dim(self) -> int:
        """Length n_t of a latent."""
        return int(self.config.latent_dim)

    @property
    def filename(self) -> str:
        """Name under which a training writes the model."""
        return f"texture_{self.kind}.safetensors"

    @property
    def resolution(self) -> int:
        """Side R of the UV map, pixels."""
        return int(self.config.resolution)

    def forward(self, latent: Float[Tensor, "b d"]) -> Float[Tensor, "b 3 r r"]:
        """UV maps, RGB in [0, 1], differentiable in the latent."""
        raise NotImplementedError

    def sample_latents(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """`n` latents p_t ~ N(0, I) on the model's device; `generator` must live on the CPU."""
        return torch.randn(n, self.latent_dim, generator=generator).to(self._device())

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n 3 r r"]:
        """`n` random UV maps; `generator` must live on the CPU."""
        return self(self.sample_latents(n, generator))

    def project(
        self,
        target: Float[Tensor, "b 3 r r"],
        weight: Float[Tensor, "b 1 r r"],
        iterations: int,
        generator: torch.Generator,
    ) -> Float[Tensor, "b d"]:
        """Latents whose maps are nearest to `target`: min over p_t of |G(p_t) - I_uv| (Fast-GANFIT, Sec. 3.1).

        The nearest of 128 random maps, then `iterations` steps of Adam, for each target on its own. `weight` in
        [0, 1] says how much each texel counts; `generator` must live on the CPU.
        """
        candidates = self.sample_latents(CANDIDATES, generator)
        start = nearest(self, candidates, target, weight, absolute_error)
        return project(self, start, target, weight, iterations, measure=absolute_error)

    def save(self, path: Path, provenance: Mapping[str, str]) -> None:
        """Write safetensors that `load_texture_model` reads; equal models make equal files."""
        description = {
            "format": FORMAT,
            "kind": self.kind,
            "config": asdict(self.config),
            "provenance": dict(provenance),
        }
        write_weights(path, self.stored(), METADATA, description)

    def stored(self) -> dict[str, Tensor]:
        """The tensors of the file."""
        return self.state_dict()

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take the weights from `stored` tensors."""
        self.load_state_dict(tensors)

    def _device(self) -> torch.device:
        return next(iter(self.state_dict().values())).device


def load_texture_model(path: Path) -> TextureModel:
    """Read a file of `TextureModel.save`: on the CPU, in eval mode.

    Raises ValueError if it is none: another format, a config that builds no model, tensors that do not fit it.
    """
    try:
        description, tensors = read_weights(path, METADATA, FORMAT)
        kind = _KINDS[description["kind"]]
        model = kind(kind.config_type(**description["config"]))
        model.restore(tensors)
        model.provenance = dict(description["provenance"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is no texture model of this version ({FORMAT}), or a damaged one") from error
    return model.eval()
