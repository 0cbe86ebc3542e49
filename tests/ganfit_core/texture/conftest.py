"""Small UV maps to train on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ganfit_core.texture.maps import MapShards


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def images() -> NDArray[np.uint8]:
    """Smooth random colour fields with a bright square, (48, 32, 32, 3)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[0:32, 0:32] / 32
    colour = rng.uniform(60, 160, (48, 1, 1, 3))
    slope = rng.normal(0, 40, (48, 1, 1, 3))
    field = colour + slope * x[None, :, :, None] + 30 * y[None, :, :, None]
    field[:, 12:20, 12:20] += 60
    return field.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def shards_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., MapShards]:
    """Writes a texture folder, its files of so many maps each, and opens it."""

    def write(images: NDArray[np.uint8], each: int = 20) -> MapShards:
        folder = tmp_path_factory.mktemp("textures")
        (folder / "maps").mkdir()
        for number, start in enumerate(range(0, len(images), each)):
            np.save(folder / "maps" / f"train-{number:05d}.npy", images[start : start + each])
        return MapShards(folder)

    return write


@pytest.fixture(scope="session")
def maps(images: NDArray[np.uint8], shards_of: Callable[..., MapShards]) -> MapShards:
    """`images` as a texture folder of three files."""
    return shards_of(images)
