"""PSNR and SSIM against scikit-image's, the mean absolute difference against scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from sklearn.metrics import mean_absolute_error

from evaluation.image_quality import mae, psnr, ssim


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


def wang(image: np.ndarray, reference: np.ndarray) -> tuple[float, np.ndarray]:
    """scikit-image's SSIM with the window of Wang et al. 2004, and its map."""
    return structural_similarity(
        image,
        reference,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        channel_axis=2,
        data_range=1.0,
        full=True,
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_ssim_is_scikit_image_s(channels: int) -> None:
    image, reference = (picture[:, :, :channels] for picture in pictures(2))
    expected, _ = wang(image, reference)
    assert expected < 0.99
    assert ssim(image, reference) == pytest.approx(expected, abs=1e-9)


def test_ssim_within_a_mask_is_the_mean_of_scikit_image_s_map_there() -> None:
    image, reference = pictures(3)
    mask = np.random.default_rng(4).random(image.shape[:2]) < 0.3
    mask[0, 0] = True  # the corner, where the window reaches over the border
    _, similarity = wang(image, reference)
    assert ssim(image, reference, mask) == pytest.approx(similarity[mask].mean(), abs=1e-9)


def test_ssim_of_single_precision_is_that_of_double() -> None:
    image, reference = (picture.astype(np.float32) for picture in pictures(5))
    expected = ssim(image.astype(np.float64), reference.astype(np.float64))
    assert ssim(image, reference) == pytest.approx(expected, abs=1e-12)


def test_mean_absolute_difference_is_scikit_learn_s() -> None:
    image, reference = pictures(6)
    weight = np.random.default_rng(7).random(image.shape[:2])
    flat = image.reshape(-1, 3), reference.reshape(-1, 3)
    assert mae(image, reference) == pytest.approx(mean_absolute_error(*flat), abs=1e-12)
    expected = mean_absolute_error(*flat, sample_weight=weight.ravel())
    assert mae(image, reference, weight) == pytest.approx(expected, abs=1e-12)


def test_a_mask_of_booleans_is_one_of_ones() -> None:
    image, reference = pictures(8)
    mask = np.zeros(image.shape[:2], bool)
    mask[3:9, 4:11] = True
    for measure in (psnr, mae, ssim):
        assert measure(image, reference, mask) == measure(image, reference, mask.astype(np.float32))


def test_equal_pictures() -> None:
    _, reference = pictures()
    assert psnr(reference, reference) == math.inf
    assert mae(reference, reference) == 0.0
    assert ssim(reference, reference) == pytest.approx(1.0, abs=1e-12)


def test_bad_arguments() -> None:
    image, reference = pictures()
    for measure in (psnr, mae, ssim):
        with pytest.raises(ValueError, match="shapes differ"):
            measure(image[1:], reference)
        with pytest.raises(ValueError, match="shapes differ"):
            measure(image, reference, np.ones((3, 3)))
        for weight in (np.zeros(image.shape[:2]), np.full(image.shape[:2], -1.0)):
            with pytest.raises(ValueError, match="weights"):
                measure(image, reference, weight)
    with pytest.raises(ValueError, match="smaller than the window of 11"):
        ssim(image[:10], reference[:10])
