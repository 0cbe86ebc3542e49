"""What each corruption is: which parts of the face it hides, or what it does to the picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from ganfit_core.corruption import Corrupted, corrupt
from ganfit_core.corruption.base import Face
from ganfit_core.corruption.degradations import _line
from ganfit_core.morphable import MorphableModel
from ganfit_core.perception.template import TEMPLATE_68
from tests.ganfit_core.corrupted_faces import POSES, SIZE, hidden, landmarks, photograph

MOUTH, CHIN, NOSTRILS, LIDS = slice(48, 60), slice(7, 10), slice(31, 36), slice(36, 48)

FRONTAL = 20 + 120 * TEMPLATE_68
"""The mean face in a photograph of SIZE px."""


def eyes(points: np.ndarray) -> np.ndarray:
    """(2, 2) centres, that at the left of an upright picture first."""
    return np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0)])


def grey(level: int, size: int = 200) -> np.ndarray:
    """A photograph of one brightness."""
    return np.full((size, size, 3), level, np.uint8)


@pytest.mark.parametrize("pose", POSES)
def test_glasses_hide_both_eyes_behind_dark_lenses_and_leave_mouth_and_chin(
    model: MorphableModel, pose: tuple[float, float, float]
) -> None:
    points = landmarks(model, *pose)
    for seed in range(10):
        spoilt = corrupt(photograph(), points, "glasses", seed)
        assert hidden(spoilt.covered, points[LIDS]).all()
        assert not hidden(spoilt.covered, np.concatenate([points[MOUTH], points[CHIN]])).any()
        x, y = np.floor(eyes(points)).astype(int).T
        assert spoilt.image[y, x].max() < 90


@pytest.mark.parametrize("pose", POSES)
def test_a_mask_hides_nostrils_mouth_and_chin_and_leaves_the_eyes(
    model: MorphableModel, pose: tuple[float, float, float]
) -> None:
    points = landmarks(model, *pose)
    for seed in range(10):
        covered = corrupt(photograph(), points, "mask", seed).covered
        assert hidden(covered, np.concatenate([points[NOSTRILS], points[MOUTH], points[CHIN]])).all()
        assert not hidden(covered, eyes(points)).any()


def test_a_hand_of_skin_hides_most_of_the_mouth_and_comes_from_outside_on_its_side(model: MorphableModel) -> None:
    points = landmarks(model, *POSES[0])
    sides, fingers, lips = set(), set(), []
    for seed in range(30):
        spoilt = corrupt(photograph(), points, "hand", seed)
        lips.append(hidden(spoilt.covered, points[MOUTH]).mean())
        sides.add(side := spoilt.parameters["side"])
        fingers.add(spoilt.parameters["fingers"])
        border = spoilt.covered[:, -1 if side > 0 else 0].any() or spoilt.covered[-1].any()
        assert border
        assert not spoilt.covered[:, 0 if side > 0 else -1].any()
        red, green, blue = np.median(spoilt.image[spoilt.covered], axis=0)
        assert red > green > blue
    assert sides == {-1, 1}
    assert fingers == {3, 4, 5}
    assert min(lips) > 0.3
    assert np.mean(lips) > 0.7


@pytest.mark.parametrize("pose", POSES)
def test_hair_hides_forehead_and_one_eye_more_than_the_other(
    model: MorphableModel, pose: tuple[float, float, float]
) -> None:
    points = landmarks(model, *pose)
    up = points[27] - points[33]
    sides = set()
    for seed in range(12):
        spoilt = corrupt(photograph(), points, "hair", seed)
        left, right = (hidden(spoilt.covered, points[lids]).mean() for lids in (slice(36, 42), slice(42, 48)))
        sides.add(side := spoilt.parameters["side"])
        behind, free = (right, left) if side > 0 else (left, right)
        assert behind > 0.6
        assert free < 0.2
        brow = points[22:27] if side > 0 else points[17:22]
        assert hidden(spoilt.covered, brow + 0.4 * up).mean() > 0.7
        assert not hidden(spoilt.covered, points[CHIN]).any()
    assert sides == {-1, 1}


def test_blocks_are_one_to_three_rectangles_where_their_parameters_say(model: MorphableModel) -> None:
    photo, points = photograph(), landmarks(model, *POSES[1])
    face = Face.of(points)
    low, high = face.points.min(axis=0), face.points.max(axis=0)
    counts, kinds = set(), set()
    for seed in range(30):
        spoilt = corrupt(photo, points, "blocks", seed)
        drawn = spoilt.parameters
        counts.add(n := int(drawn["blocks"]))
        expected = np.zeros((SIZE, SIZE), np.bool_)
        for i in range(1, n + 1):
            kinds.add(drawn[f"kind_{i}"])
            place = low + np.array([drawn[f"x_{i}"], drawn[f"y_{i}"]]) * (high - low)
            x, y = face.matrix[:, :2] @ place + face.matrix[:, 2]
            width, height = face.side * drawn[f"width_{i}"] / 2, face.side * drawn[f"height_{i}"] / 2
            across = slice(max(round(x - width), 0), round(x + width))
            expected[max(round(y - height), 0) : round(y + height), across] = True
        assert (spoilt.covered == expected).all()
    assert counts == {1, 2, 3}
    assert kinds == {0, 1, 2}


def block_of(kind: int, points: np.ndarray, photo: np.ndarray) -> Corrupted:
    """A photograph with a single block of that kind."""
    for seed in range(200):
        spoilt = corrupt(photo, points, "blocks", seed)
        if spoilt.parameters["blocks"] == 1 and spoilt.parameters["kind_1"] == kind:
            return spoilt
    raise AssertionError(f"no block of kind {kind} in 200 seeds")


def test_blocks_are_filled_with_noise_one_colour_or_the_photograph(model: MorphableModel) -> None:
    points, photo = landmarks(model, *POSES[0]), photograph()
    noise, colour, other = (block_of(kind, points, photo) for kind in range(3))
    assert 60 < noise.image[noise.covered].std() < 90  # 74 of uniform bytes
    drawn = [colour.parameters[f"{channel}_1"] for channel in ("red", "green", "blue")]
    assert (colour.image[colour.covered] == drawn).all()
    known = {tuple(pixel) for pixel in photo.reshape(-1, 3).tolist()}
    assert {tuple(pixel) for pixel in other.image[other.covered].tolist()} <= known


def drawn_until(name: str, **wanted: float) -> Corrupted:
    """The first seed's corruption of the photograph whose parameters are as wanted."""
    for seed in range(50):
        spoilt = corrupt(photograph(), FRONTAL, name, seed)
        if wanted.items() <= spoilt.parameters.items():
            return spoilt
    raise AssertionError(f"no {name} with {wanted} in 50 seeds")


@pytest.mark.parametrize("level", [64, 128, 160])
def test_noise_has_the_variance_that_is_recorded(level: int) -> None:
    for seed in range(3):
        spoilt = corrupt(grey(level), FRONTAL, "noise", seed)
        drawn = spoilt.parameters
        sigma = 255 * math.sqrt(drawn["sigma"] ** 2 + drawn["shot"] ** 2 * level / 255)
        # Quartiles of a normal distribution: what is cut off at black and white does not matter.
        quartiles = np.percentile(spoilt.image, [25, 50, 75])
        assert quartiles == pytest.approx([level - 0.6745 * sigma, level, level + 0.6745 * sigma], abs=0.8)


def test_a_gaussian_blur_is_scipys() -> None:
    spoilt = drawn_until("blur", moved=0.0)
    sigma = spoilt.parameters["sigma"] * Face.of(FRONTAL).side
    expected = ndimage.gaussian_filter(photograph().astype(float), (sigma, sigma, 0), mode="nearest", truncate=5)
    assert np.abs(spoilt.image - expected).max() < 3
    assert np.abs(spoilt.image - photograph().astype(float)).max() > 50


@pytest.mark.parametrize(("length", "angle"), [(12.0, 0.0), (25.0, 1.0), (25.0, 2.5), (40.0, math.pi / 2)])
def test_a_motion_spreads_light_evenly_along_a_line(length: float, angle: float) -> None:
    kernel = _line(length, angle)
    y, x = np.indices(kernel.shape) - kernel.shape[0] // 2
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert abs((kernel * along).sum()) < 0.3
    assert math.sqrt((kernel * along**2).sum()) == pytest.approx(length / math.sqrt(12), rel=0.1)
    assert math.sqrt((kernel * across**2).sum()) < 1


@pytest.mark.parametrize("moved", [0.0, 1.0])
def test_blur_grows_with_the_face(moved: float) -> None:
    spoilt = drawn_until("blur", moved=moved)
    large = np.repeat(np.repeat(photograph(), 2, axis=0), 2, axis=1)
    for seed in range(50):
        twice = corrupt(large, 2 * FRONTAL, "blur", seed)
        if twice.parameters == pytest.approx(spoilt.parameters):
            break
    reduced = twice.image.reshape(SIZE, 2, SIZE, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - spoilt.image).mean() < 2


def test_low_light_lets_through_the_share_of_the_light_that_is_recorded() -> None:
    for seed in range(5):
        spoilt = corrupt(grey(180), FRONTAL, "low light", seed)
        drawn = spoilt.parameters
        light = ((spoilt.image / 255) ** drawn["gamma"]).mean()
        assert light == pytest.approx((180 / 255) ** 2.2 * 2 ** -drawn["stops"], rel=0.03)
        assert spoilt.image.std() > 1  # noise
        assert spoilt.image.mean() < 130
