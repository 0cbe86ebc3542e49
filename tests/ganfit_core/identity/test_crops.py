"""Where each network's crop lies: an image whose colours are its coordinates says it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganfit_core.identity.evolve import EvolveIR50
from ganfit_core.identity.face_box import detector_box, extract_box
from ganfit_core.identity.facenet import FaceNet
from ganfit_core.identity.light_cnn import LightCNN29
from ganfit_core.identity.mobilefacenet import MobileFaceNet
from ganfit_core.identity.vgg_face import VGGFace

# MTCNN's boxes of the photographs of conftest.py (facenet-pytorch 2.6.0): left, top, right, bottom.
MTCNN = {"upright": (181.1, 62.2, 267.7, 172.1), "rotated": (158.1, 50.1, 278.0, 189.0)}


@pytest.fixture
def places() -> Tensor:
    """(1, 3, 512, 512): x and y of every pixel's centre."""
    centres = torch.arange(512, dtype=torch.float32) + 0.5
    y, x = torch.meshgrid(centres, centres, indexing="ij")
    return torch.stack([x, y, torch.zeros_like(x)])[None]


def corners(chip: Tensor) -> Tensor:
    """(2, 2): the image's x, y at the crop's upper left and lower right corner, half a pixel outside its centres."""
    first, last = chip[0, :2, 0, 0], chip[0, :2, -1, -1]
    half = (last - first) / (chip.shape[-1] - 1) / 2
    return torch.stack([first - half, last + half])


def at(chip: Tensor, x: int, y: int) -> Tensor:
    """The image's x, y at a point of the crop between four pixels."""
    return chip[0, :2, y - 1 : y + 1, x - 1 : x + 1].mean(dim=(1, 2))


@pytest.mark.parametrize(("version", "tolerance"), [("upright", 0.07), ("rotated", 0.20)])
def test_the_box_is_about_mtcnns(version: str, tolerance: float, photos: dict) -> None:
    centre, size = detector_box(photos[version].landmarks)
    expected = torch.tensor(MTCNN[version])
    found = torch.cat([centre - size / 2, centre + size / 2], dim=1)[0]
    assert (found - expected).abs().max() < tolerance * (expected[2:] - expected[:2]).max()


def test_a_box_is_stretched_to_a_square(places: Tensor) -> None:
    chip = extract_box(places, torch.tensor([[200.0, 300.0]]), torch.tensor([[120.0, 160.0]]), 100)
    torch.testing.assert_close(corners(chip), torch.tensor([[140.0, 220.0], [260.0, 380.0]]))


def test_facenet_takes_the_box_with_fourteen_of_160_pixels_around_it(places: Tensor, photos: dict) -> None:
    landmarks = photos["upright"].landmarks
    centre, size = detector_box(landmarks)
    (low, high) = corners(FaceNet().align(places, landmarks))
    torch.testing.assert_close((low + high) / 2, centre[0], rtol=0, atol=1e-2)
    torch.testing.assert_close((high - low) * 146 / 160, size[0], rtol=0, atol=1e-2)


def test_vgg_face_takes_an_upright_square_a_tenth_larger_than_the_box(places: Tensor, photos: dict) -> None:
    landmarks = photos["rotated"].landmarks
    centre, size = detector_box(landmarks)
    with torch.device("meta"):  # its layers, which the crop does not ask, take half a gigabyte
        network = VGGFace()
    (low, high) = corners(network.align(places, landmarks))
    torch.testing.assert_close((low + high) / 2, centre[0], rtol=0, atol=1e-2)
    torch.testing.assert_close(high - low, (1.1 * size.mean()).expand(2), rtol=0, atol=1e-2)


@pytest.mark.parametrize("version", ["upright", "rotated"])
def test_lightcnn_puts_the_eyes_level_forty_pixels_down_and_the_mouth_48_below(
    version: str, places: Tensor, photos: dict
) -> None:
    landmarks = photos[version].landmarks
    chip = LightCNN29().align(places, landmarks)
    points = landmarks[0]
    left, right = points[36:42].mean(dim=0), points[42:48].mean(dim=0)
    torch.testing.assert_close(at(chip, 64, 40), (left + right) / 2, rtol=0, atol=1e-2)
    along = at(chip, 96, 40) - at(chip, 32, 40)
    eyes = right - left
    assert (along[0] * eyes[1] - along[1] * eyes[0]).abs() < 1e-3 * along.norm() * eyes.norm()
    # the mouth may lie aside, but not higher or lower
    aside = (points[48] + points[54]) / 2 - at(chip, 64, 88)
    assert (aside[0] * eyes[1] - aside[1] * eyes[0]).abs() < 1e-2 * eyes.norm()


def test_evolve_takes_the_middle_of_arcfaces_crop_enlarged_to_128(places: Tensor, photos: dict) -> None:
    landmarks = photos["rotated"].landmarks
    whole = MobileFaceNet().align(places, landmarks)
    middle = EvolveIR50().align(places, landmarks)
    for x, y in ((8, 8), (56, 56), (104, 48)):
        torch.testing.assert_close(at(middle, x, y), at(whole, (x + 8) * 7 // 8, (y + 8) * 7 // 8), rtol=0, atol=2e-2)
