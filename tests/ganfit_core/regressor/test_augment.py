"""What augmentation changes, and what must stay true."""

import numpy as np
import pytest
import torch

from ganfit_core.perception.template import TEMPLATE_68
from ganfit_core.regressor.augment import MIRRORED_68, moved, recoloured, spoilt
from ganfit_core.regressor.crops import CropBatch

SIDE = 96


def dotted(points: torch.Tensor) -> torch.Tensor:
    """(1, 3, SIDE, SIDE): a soft white dot at each point."""
    at = torch.arange(SIDE) + 0.5
    x = (at[None, None, :] - points[:, None, None, 0]) ** 2
    y = (at[None, :, None] - points[:, None, None, 1]) ** 2
    return torch.exp(-(x + y) / 8).amax(dim=0).expand(1, 3, -1, -1)


@pytest.fixture
def batch() -> CropBatch:
    landmarks = torch.tensor(TEMPLATE_68 * SIDE, dtype=torch.float32)[None]
    return CropBatch(dotted(landmarks[0]), landmarks, torch.ones(1, 1, SIDE, SIDE))


def at_points(image: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    grid = (2 * points / image.shape[-1] - 1)[:, None]
    return torch.nn.functional.grid_sample(image, grid, align_corners=False)[0, 0, 0]


def test_mirrored_indices_are_an_involution_that_mirrors_the_template():
    index = np.array(MIRRORED_68)
    assert (index[index] == np.arange(68)).all()
    mirrored = TEMPLATE_68[index] * [-1, 1] + [1, 0]
    assert np.abs(mirrored - TEMPLATE_68).max() < 1e-6


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("size", [SIDE, 64])
def test_points_move_with_the_picture(batch, flip, size):
    for seed in range(5):
        changed = moved(batch, torch.tensor([flip]), size, 1.0, torch.Generator().manual_seed(seed))
        assert changed.photo.shape == (1, 3, size, size)
        assert at_points(changed.photo, changed.landmarks).min() > 0.8
        # the first jaw point stays on the image's left, mirrored or not
        assert changed.landmarks[0, 0, 0] < changed.landmarks[0, 16, 0]


def test_without_movement_only_the_side_changes(batch):
    same = moved(batch, torch.tensor([False]), SIDE, 0.0, torch.Generator())
    assert torch.allclose(same.photo, batch.photo, atol=1e-4)
    assert torch.allclose(same.landmarks, batch.landmarks, atol=1e-3)
    assert same.inside.all()
    mirrored = moved(batch, torch.tensor([True]), SIDE, 0.0, torch.Generator())
    assert torch.allclose(mirrored.photo, batch.photo.flip(-1), atol=1e-4)


def test_what_comes_from_beyond_the_photograph_is_marked(batch):
    batch.inside[:, :, :, : SIDE // 2] = 0
    changed = moved(batch, torch.tensor([True]), SIDE, 0.0, torch.Generator())
    assert changed.inside[0, 0, :, : SIDE // 2 - 1].all()
    assert not changed.inside[0, 0, :, SIDE // 2 + 1 :].any()


def test_colours_change_for_target_and_input_and_defects_for_the_input_alone():
    n = 64
    photo = 0.2 + 0.6 * torch.rand(n, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    landmarks = torch.tensor(TEMPLATE_68 * 32, dtype=torch.float32).expand(n, -1, -1)
    plain = CropBatch(photo, landmarks, torch.ones(n, 1, 32, 32))
    target = recoloured(plain, torch.Generator().manual_seed(1))
    assert not torch.equal(target.photo, photo)
    assert target.photo.min() >= 0
    assert target.photo.max() <= 1
    sample = spoilt(target, torch.Generator().manual_seed(2))
    assert sample.target is target
    changed = (sample.photo != target.photo).flatten(1).any(dim=1).float().mean()
    assert 0.3 < changed < 0.75  # 1 - 0.7 * 0.7 are blurred or partly hidden
    shift = (sample.landmarks - landmarks).norm(dim=2)
    assert 0 < shift.mean() < 0.02 * 32
