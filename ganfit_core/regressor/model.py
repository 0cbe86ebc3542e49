"""N(I): photograph -> parameters in one pass (FastGANFit; Fast-GANFIT, Sec. 4 and Fig. 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from ganfit_core.identity.base import IdentityFeatures
from ganfit_core.landmark_fit import CAMERA_SCALE
from ganfit_core.parameters import CAMERA_MEAN, LIGHT_MEAN, LIGHT_SCALE, Parameters
from ganfit_core.regressor.config import EncoderConfig
from ganfit_core.regressor.encoder import Encoder
from ganfit_core.weights import read_weights, write_weights

FORMAT = "ganfit-regressor/1"
METADATA = "regressor"


class Regressor(nn.Module):
    """The encoder, with its answers in the units that the model and the renderer take.

    Attributes:
        texture_kind: "gan", "vae" or "pca": the texture model it was trained with.
        config: the encoder's.
        provenance: what the weights were made of; "texture_sha256" and "morphable_sha256" are the files that its
            parameters are of.
    """

    camera_mean: Tensor
    camera_scale: Tensor
    light_mean: Tensor
    light_scale: Tensor

    def __init__(self, config: EncoderConfig, texture_kind: str) -> None:
        super().__init__()
        self.config, self.texture_kind = config, texture_kind
        self.provenance: dict[str, str] = {}
        self.encoder = Encoder(config)
        # "their outputs are corrected by an offset to be able to render a normal face more or less aligned with our
        # generic alignment template and with regular lighting" (Sec. 5.1).
        self.register_buffer("camera_mean", torch.tensor(CAMERA_MEAN), persistent=False)
        self.register_buffer("camera_scale", torch.tensor(CAMERA_SCALE), persistent=False)
        self.register_buffer("light_mean", torch.tensor(LIGHT_MEAN), persistent=False)
        self.register_buffer("light_scale", torch.tensor(LIGHT_SCALE), persistent=False)

    @property
    def filename(self) -> str:
        """Name under which a training writes the network."""
        return f"regressor_{self.texture_kind}.safetensors"

    def forward(
        self, photo: Float[Tensor, "b 3 s s"], landmarks: Float[Tensor, "b 68 2"], features: IdentityFeatures
    ) -> Parameters:
        """Parameters of aligned photographs.

        Args:
            photo: RGB in [0, 1], any side; resampled to the encoder's.
            landmarks: pixels of `photo`.
            features: the frozen identity network's answer to photo and landmarks.
        """
        size = photo.shape[-1]
        if size != self.config.input_size:
            side = (self.config.input_size, self.config.input_size)
            photo = functional.interpolate(photo, side, mode="bilinear", align_corners=False, antialias=True)
        answers = self.encoder(photo, landmarks * (2.0 / size) - 1.0, features)
        return Parameters(
            identity=answers["identity"],
            expression=answers["expression"],
            texture=answers["texture"],
            camera=self.camera_mean + self.camera_scale * answers["camera"],
            light=self.light_mean + self.light_scale * answers["light"],
        )

    def save(self, path: Path, provenance: Mapping[str, str]) -> None:
        """Write safetensors that `load_regressor` reads: half precision, which changes the answers by a thousandth of
        a standard deviation and halves the file."""
        description = {
            "format": FORMAT,
            "units": _units(),
            "texture_kind": self.texture_kind,
            "config": asdict(self.config),
            "provenance": dict(provenance),
        }
        write_weights(path, {name: _half(value) for name, value in self.state_dict().items()}, METADATA, description)


def load_regressor(path: Path) -> Regressor:
    """Read a file of `Regressor.save`: on the CPU, in eval mode.

    Raises ValueError if it is none: another format, a config that builds no network, tensors that do not fit it.
    """
    try:
        description, tensors = read_weights(path, METADATA, FORMAT)
        if description["units"] != _units():
            raise ValueError("its answers are in other units of camera and light")
        config = {name: _tuples(value) for name, value in description["config"].items()}
        regressor = Regressor(EncoderConfig(**config), description["texture_kind"])
        regressor.load_state_dict(tensors)
        regressor.provenance = dict(description["provenance"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is no regressor of this version ({FORMAT}), or a damaged one") from error
    return regressor.eval()


def _units() -> dict[str, list[float]]:
    """What the camera's and the light's answers are counted from and in: weights trained with others mean others."""
    return {
        "camera_mean": list(CAMERA_MEAN),
        "camera_scale": list(CAMERA_SCALE),
        "light_mean": list(LIGHT_MEAN),
        "light_scale": list(LIGHT_SCALE),
    }


def _half(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def _tuples(value: Any) -> Any:
    """JSON knows lists only."""
    return tuple(value) if isinstance(value, list) else value
