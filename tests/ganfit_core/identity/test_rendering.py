"""Cosines of photographs and renderings, by a network whose answers are known."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ganfit_core.identity.base import IdentityFeatures, IdentityNetwork
from ganfit_core.identity.rendering import rendering_similarity

SIZE = 8


class Colour(IdentityNetwork):
    """Sees the colour of the pixel at the first landmark."""

    input_size, embedding_dim = 1, 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.seen: list[Tensor] = []

    def align(self, images: Tensor, landmarks: Tensor) -> Tensor:
        self.seen.append(images)
        x, y = landmarks[:, 0].long().unbind(dim=1)
        return images[torch.arange(len(images)), :, y, x][..., None, None]

    def features(self, aligned: Tensor) -> IdentityFeatures:
        return IdentityFeatures(functional.normalize(self.scale * aligned[..., 0, 0], dim=1), ())


def picture(colour: tuple[int, int, int], at: tuple[int, int] = (0, 0)) -> np.ndarray:
    """Of this colour at (x, y), grey elsewhere."""
    pixels = np.full((SIZE, SIZE, 3), 77, np.uint8)
    pixels[at[1], at[0]] = colour
    return pixels


def pair(photograph: np.ndarray, rendering: np.ndarray, at: tuple[int, int] = (0, 0)) -> tuple[Any, Any]:
    landmarks = np.full((68, 2), at, np.float32) + 0.5
    return SimpleNamespace(image=photograph, landmarks=landmarks), SimpleNamespace(rendering=rendering)


def similarity(*pairs: tuple[Any, Any]) -> np.ndarray:
    return rendering_similarity(Colour(), *map(list, zip(*pairs, strict=True)))


def test_each_photograph_is_compared_with_its_own_rendering() -> None:
    red, dark_red, green, yellow = (250, 0, 0), (50, 0, 0), (0, 250, 0), (200, 200, 0)
    found = similarity(
        pair(picture(red), picture(dark_red)),
        pair(picture(red), picture(green)),
        pair(picture(green), picture(yellow)),
    )
    assert found == pytest.approx([1, 0, 2**-0.5], abs=1e-6)
    assert found.dtype == np.float32


def test_both_are_cropped_by_the_photographs_landmarks() -> None:
    at = (5, 2)
    found = similarity(
        pair(picture((250, 0, 0), at), picture((250, 0, 0), at), at),
        pair(picture((250, 0, 0), at), picture((250, 0, 0), (2, 5)), at),  # grey where the photograph is red
    )
    assert found == pytest.approx([1, 3**-0.5], abs=1e-6)


def test_the_network_is_given_colours_from_0_to_1_and_no_gradient_remains() -> None:
    network = Colour()
    face, result = pair(picture((255, 0, 51)), picture((0, 255, 0)))
    found = rendering_similarity(network, [face], [result])
    (images,) = network.seen
    assert images.shape == (2, 3, SIZE, SIZE)
    assert images[:, :, 0, 0].tolist() == [pytest.approx([1, 0, 0.2]), [0, 1, 0]]
    assert isinstance(found, np.ndarray)
