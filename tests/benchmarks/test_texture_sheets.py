"""What the pictures of a texture model claim."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.texture_sheets import nearest, slerp
from ganfit_core.texture.maps import MapShards
from ganfit_core.training.splits import TRAIN


def test_a_memorised_map_is_found_also_mirrored(tmp_path: Path) -> None:
    maps = np.random.default_rng(0).integers(0, 256, (90, 16, 16, 3), np.uint8)
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "train-00000.npy", maps)
    mask = np.zeros((16, 16), np.float32)
    mask[4:12, 2:14] = 0.5
    samples = np.stack([maps[70], maps[3, :, ::-1], maps[5]])
    samples[0, mask == 0] = 0  # outside the mask nothing counts
    samples[2] = np.where(samples[2] < 128, samples[2] + 10, samples[2] - 10)
    found, distances = nearest(samples, MapShards(tmp_path, TRAIN), mask)
    np.testing.assert_array_equal(found, [maps[70], maps[3, :, ::-1], maps[5]])
    assert distances == pytest.approx([0, 0, 10 / 255], abs=1e-6)


def test_interpolation_keeps_the_length_and_the_ends() -> None:
    random = torch.Generator().manual_seed(0)
    start, end = torch.nn.functional.normalize(torch.randn(2, 50, generator=random)) * 7
    path = slerp(start, end, 5)
    torch.testing.assert_close(path[[0, -1]], torch.stack([start, end]))
    torch.testing.assert_close(path.norm(dim=1), torch.full((5,), 7.0))
    steps = (path[1:] - path[:-1]).norm(dim=1)
    torch.testing.assert_close(steps, steps[:1].expand(4))
