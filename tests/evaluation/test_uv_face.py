"""What a feature extractor sees of a UV map."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from evaluation.uv_face import PER_PERSON, extractor_input, few_of_each, quantised, reduced_mask


def test_values_are_rounded_to_eight_bits_and_clipped() -> None:
    maps = torch.tensor([-0.2, 0.0, 0.5, 0.499 / 255, 0.501 / 255, 1.3]).expand(1, 3, 6, 6)
    assert quantised(maps)[0, 0, :, 0].tolist() == [0, 0, 128, 0, 1, 255]
    assert quantised(maps).shape == (1, 6, 6, 3)


def test_masks_are_averaged_over_areas() -> None:
    mask = np.zeros((4, 4), np.float32)
    mask[0, :2] = 1
    assert reduced_mask(mask, 4).tolist() == mask.tolist()
    assert reduced_mask(mask, 2).tolist() == [[0.5, 0], [0, 0]]
    for side in (3, 8):
        with pytest.raises(ValueError, match="whole fraction"):
            reduced_mask(mask, side)


def test_only_what_the_mask_shows_is_seen() -> None:
    random = np.random.default_rng(0)
    mask = np.zeros((32, 32), np.float32)
    mask[8:24, 6:22] = 1
    mask[12, 10] = 0
    maps = random.integers(0, 256, (2, 32, 32, 3), np.uint8)
    other = maps.copy()
    other[:, mask == 0] = 7
    seen = extractor_input(maps, mask, 48)
    assert seen.shape == (2, 3, 48, 48)
    assert 0 <= seen.min() < seen.max() <= 1
    torch.testing.assert_close(seen, extractor_input(other, mask, 48))
    other[0, 8, 6] ^= 128
    assert not torch.allclose(seen[0], extractor_input(other, mask, 48)[0])


def test_the_face_fills_the_input_without_being_distorted() -> None:
    mask = np.zeros((32, 32), np.float32)
    mask[10:20, 4:24] = 1  # 10 x 20 texels: a square of 20 from row 5 and column 4
    maps = np.zeros((1, 32, 32, 3), np.uint8)
    maps[0, 10:20, 4:14] = 255
    seen = extractor_input(maps, mask, 20)[0, 0]
    expected = torch.full((20, 20), 0.5)
    expected[5:15, :10], expected[5:15, 10:] = 1, 0
    torch.testing.assert_close(seen, expected)


def test_a_mask_at_the_border_still_gives_a_square_inside_the_map() -> None:
    mask = np.zeros((16, 16), np.float32)
    mask[14:, 2:12] = 1
    seen = extractor_input(np.full((1, 16, 16, 3), 255, np.uint8), mask, 10)
    torch.testing.assert_close(seen[0, 0, -2:], torch.ones(2, 10))
    torch.testing.assert_close(seen[0, 0, :-2], torch.full((8, 10), 0.5))


def test_an_unfit_mask_is_refused() -> None:
    maps = np.zeros((1, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="shows nothing"):
        extractor_input(maps, np.zeros((16, 16), np.float32), 8)
    with pytest.raises(ValueError, match="does not fit"):
        extractor_input(maps, np.ones((8, 8), np.float32), 8)


def test_the_reference_has_few_maps_of_each_person() -> None:
    people = ["famous", "other"] + ["famous"] * 20 + ["other", "third"]
    expected = [0, 1, *range(2, 1 + PER_PERSON), 22, 23]
    assert few_of_each(people).tolist() == expected
