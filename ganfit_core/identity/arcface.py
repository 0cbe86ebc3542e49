"""What networks trained with the ArcFace loss (Deng et al., CVPR 2019) share: the crop they read, and their files."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ganfit_core.identity.base import IdentityNetwork
from ganfit_core.identity.chip import extract_chip, five_points, invert_similarity, similarity

# ArcFace's five points in its 112x112 crop, with pixel centres at integers.
_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)


class ArcFaceNetwork(IdentityNetwork):
    """Reads ArcFace's 112x112 crop."""

    input_size = 112
    template: Tensor

    def __init__(self) -> None:
        super().__init__()
        # Half a pixel from integer to half-integer pixel centres.
        self.register_buffer("template", torch.tensor(_TEMPLATE)[None] + 0.5, persistent=False)

    def align(self, images: Float[Tensor, "b 3 h w"], landmarks: Float[Tensor, "b 68 2"]) -> Float[Tensor, "b 3 s s"]:
        """ArcFace's crop: the similarity that takes five points of the face nearest to its template."""
        image_to_chip = similarity(five_points(landmarks), self.template)
        return extract_chip(images, invert_similarity(image_to_chip), self.input_size)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict written by `torch.save`, on the CPU.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is not a readable torch state dict: {error}") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{path} is not a readable torch state dict: it does not map names to tensors")
    return state
