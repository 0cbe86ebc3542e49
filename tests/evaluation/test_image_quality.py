"""PSNR against scikit-image's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio

from evaluation.image_quality import psnr


def pictures(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A random picture, and one near it."""
    rng = np.random.default_rng(seed)
    reference = rng.random((17, 23, 3))
    return reference + 0.1 * rng.standard_normal(reference.shape), reference


@pytest.mark.parametrize("peak", [1.0, 255.0])
def test_psnr_is_scikit_image_s(peak: float) -> None:
    image, reference = (peak * picture for picture in pictures())
    expected = peak_signal_noise_ratio(reference, image, data_range=peak)
    assert psnr(image, reference, peak=peak) == pytest.approx(expected, abs=1e-9)


def test_a_mask_is_the_same_as_looking_at_its_pixels_alone() -> None:
    image, reference = pictures(1)
    image[:5] = 9.0
    mask = np.zeros(image.shape[:2])
    mask[5:] = 0.5  # any constant
    expected = peak_signal_noise_ratio(reference[5:], image[5:], data_range=1.0)
    assert psnr(image, reference, mask) == pytest.approx(expected, abs=1e-9)


def test_weights_in_closed_form() -> None:
    reference = np.zeros((1, 2, 3))
    image = np.array([[[0.1] * 3, [0.2] * 3]])
    assert psnr(image, reference, np.array([[3.0, 1.0]])) == pytest.approx(-10 * math.log10((3 * 0.01 + 0.04) / 4))


def test_equal_pictures() -> None:
    _, reference = pictures()
    assert psnr(reference, reference) == math.inf


def test_bad_arguments() -> None:
    image, reference = pictures()
    with pytest.raises(ValueError, match="shapes differ"):
        psnr(image[1:], reference)
    with pytest.raises(ValueError, match="shapes differ"):
        psnr(image, reference, np.ones((3, 3)))
    for weight in (np.zeros(image.shape[:2]), np.full(image.shape[:2], -1.0)):
        with pytest.raises(ValueError, match="weights"):
            psnr(image, reference, weight)
