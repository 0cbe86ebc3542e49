import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganfit_core.perception import TEMPLATE_5, TEMPLATE_68, align_face, five_points, similarity
from ganfit_core.perception.align import transform, warp


def matrix_of(scale: float, angle: float, x: float, y: float) -> np.ndarray:
    c, s = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[c, -s, x], [s, c, y]])


scales = st.floats(0.01, 100)
angles = st.floats(-np.pi, np.pi)
offsets = st.floats(-1000, 1000)


@given(scales, angles, offsets, offsets, st.integers(2, 80), st.integers(0, 2**32 - 1))
def test_similarity_recovers_a_known_transform(scale, angle, x, y, count, seed):
    source = np.random.default_rng(seed).normal(size=(count, 2)) * 50
    expected = matrix_of(scale, angle, x, y)
    np.testing.assert_allclose(similarity(source, transform(source, expected)), expected, atol=1e-6 * (1 + scale))


@given(scales, angles, st.integers(0, 2**32 - 1))
def test_similarity_never_reflects(scale, angle, seed):
    source = np.random.default_rng(seed).normal(size=(20, 2)) * 50
    mirrored = transform(source * [-1, 1], matrix_of(scale, angle, 0, 0))
    assert np.linalg.det(similarity(source, mirrored)[:, :2]) >= 0


def test_similarity_is_the_least_squares_optimum():
    generator = np.random.default_rng(3)
    source, target = generator.normal(size=(30, 2)), generator.normal(size=(30, 2))
    a, b, x, y = np.linalg.lstsq(
        np.concatenate(
            [
                np.column_stack([source[:, 0], -source[:, 1], np.ones(30), np.zeros(30)]),
                np.column_stack([source[:, 1], source[:, 0], np.zeros(30), np.ones(30)]),
            ]
        ),
        np.concatenate([target[:, 0], target[:, 1]]),
    )[0]
    np.testing.assert_allclose(similarity(source, target), [[a, -b, x], [b, a, y]], atol=1e-12)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (np.ones((5, 2)), np.zeros((5, 2))),
        (np.ones((1, 2)), np.ones((1, 2))),
        (np.full((5, 2), np.nan), np.ones((5, 2))),
    ],
)
def test_similarity_refuses_degenerate_points(source, target):
    with pytest.raises(ValueError, match="point"):
        similarity(source, target)


@pytest.mark.parametrize(("source", "target"), [(np.ones((5, 2)), np.ones((4, 2))), (np.ones((5, 3)), np.ones((5, 3)))])
def test_similarity_refuses_wrong_shapes(source, target):
    # a TypeError where the annotations are checked at run time, before the function sees the arrays
    with pytest.raises((ValueError, TypeError), match=r"similarity|expected"):
        similarity(source, target)


def test_template_is_a_centred_symmetric_face():
    left, right, nose, mouth_left, mouth_right = TEMPLATE_5
    np.testing.assert_allclose(left + right, [1.0, 0.8], atol=1e-3)
    assert right[0] - left[0] == pytest.approx(0.27, abs=1e-3)
    assert nose[0] == pytest.approx(0.5, abs=1e-3)
    assert left[1] < nose[1] < mouth_left[1] == pytest.approx(mouth_right[1], abs=1e-3)
    np.testing.assert_allclose(TEMPLATE_68[:17, 0] + TEMPLATE_68[16::-1, 0], 1.0, atol=1e-3)
    assert TEMPLATE_68.min() > 0.05
    assert TEMPLATE_68.max() < 0.95


def test_five_points_of_five_distinct_parts():
    landmarks = np.arange(136, dtype=np.float32).reshape(68, 2)
    np.testing.assert_allclose(five_points(landmarks)[:, 0], [77, 89, 60, 96, 108])


@pytest.mark.parametrize("zoom", [0.1, 0.4, 1.0, 3.0])
def test_warp_keeps_half_integer_pixel_centres(zoom):
    """A linear ramp stays the same function of continuous coordinates, whatever the scale."""
    y, x = np.mgrid[0:400, 0:400] + 0.5
    ramp = np.repeat((x * 0.4 + y * 0.2)[..., None], 3, axis=2).round().astype(np.uint8)
    matrix = matrix_of(zoom, 0.3, 16 - 200 * zoom * (np.cos(0.3) - np.sin(0.3)), 16 - 200 * zoom * 1.2508)
    warped = warp(ramp, matrix, 32)
    centres = np.stack(np.meshgrid(np.arange(32) + 0.5, np.arange(32) + 0.5), axis=-1).reshape(-1, 2)
    source = (centres - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    inside = ((source > 12) & (source < 388)).all(axis=1)
    assert inside.sum() > 300
    expected = source @ [0.4, 0.2]
    np.testing.assert_allclose(warped[..., 0].reshape(-1)[inside], expected[inside], atol=1.1)


def test_warp_averages_when_it_reduces():
    checkerboard = np.repeat((np.indices((512, 512)).sum(axis=0) % 2 * 255)[..., None], 3, axis=2).astype(np.uint8)
    np.testing.assert_allclose(warp(checkerboard, matrix_of(1 / 16, 0, 0, 0), 32), 127, atol=2)


def test_warp_repeats_the_border():
    assert (warp(np.full((40, 40, 3), 77, np.uint8), matrix_of(1, 0, 20, 20), 80) == 77).all()


@given(st.floats(0.3, 8), angles, st.integers(0, 2**32 - 1))
def test_align_face_brings_landmarks_to_the_template(scale, angle, seed):
    generator = np.random.default_rng(seed)
    placed = transform(TEMPLATE_68 * 100, matrix_of(scale, angle, 300, 200))
    placed = (placed + generator.normal(size=(68, 2)) * scale).astype(np.float32)
    rgb = np.zeros((60, 60, 3), np.uint8)
    aligned = align_face(rgb, placed, size=112)
    assert aligned.image.shape == (112, 112, 3)
    assert aligned.image.dtype == np.uint8
    assert np.linalg.norm(aligned.landmarks / 112 - TEMPLATE_68, axis=1).mean() < 0.03
    inverse = np.linalg.inv(np.vstack([aligned.matrix, [0, 0, 1]]).astype(np.float64))[:2]
    np.testing.assert_allclose(transform(aligned.landmarks, inverse), placed, atol=2e-2 * scale)


def test_align_face_moves_pixels_with_the_landmarks():
    """A white dot at the nose tip of a turned, shifted face is a white dot at the nose tip of the crop."""
    placed = transform(TEMPLATE_68 * 200, matrix_of(1.2, 0.4, 120, 40))
    rgb = np.zeros((400, 400, 3), np.uint8)
    y, x = np.mgrid[0:400, 0:400] + 0.5
    rgb[np.hypot(x - placed[30, 0], y - placed[30, 1]) < 5] = 255
    aligned = align_face(rgb, placed)
    weight = aligned.image[..., 0].astype(float)
    y, x = np.mgrid[0:224, 0:224] + 0.5
    centroid = [(weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()]
    np.testing.assert_allclose(centroid, aligned.landmarks[30], atol=0.25)


@pytest.mark.parametrize("landmarks", [np.zeros((68, 2)), np.full((68, 2), np.nan)])
def test_align_face_refuses_bad_landmarks(landmarks):
    with pytest.raises(ValueError, match="points"):
        align_face(np.zeros((50, 50, 3), np.uint8), landmarks)


def test_align_face_refuses_five_landmarks():
    with pytest.raises((ValueError, TypeError), match="landmarks"):
        align_face(np.zeros((50, 50, 3), np.uint8), np.zeros((5, 2)))


def test_crop_says_what_lies_beyond_the_photo():
    rgb = np.full((100, 100, 3), 200, dtype=np.uint8)
    inner = align_face(rgb, TEMPLATE_68 * 60 + 20, size=60)
    assert inner.inside.all()
    # The face hangs over the left edge by a third of the crop.
    over = align_face(rgb, TEMPLATE_68 * 60 + [-20, 20], size=60)
    np.testing.assert_array_equal(over.inside, np.broadcast_to(np.arange(60) >= 20, (60, 60)))
