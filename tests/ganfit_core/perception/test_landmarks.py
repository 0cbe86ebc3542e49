import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ganfit_core.perception import TEMPLATE_68, align_face, find_faces, five_points, read_photo

MIRROR = np.concatenate(
    [
        np.arange(span[0], span[1], np.sign(span[1] - span[0]))
        for span in (
            *[(16, -1), (26, 16), (27, 31), (35, 30), (45, 41), (47, 45), (39, 35), (41, 39)],
            *[(54, 47), (59, 54), (64, 59), (67, 64)],
        )
    ]
)
"""Index of each point's counterpart on the other half of the face."""


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Mean point distance as a share of the distance between the eyes."""
    left, right = five_points(expected)[:2]
    return float(np.linalg.norm(found - expected, axis=1).mean() / np.linalg.norm(right - left))


@pytest.fixture(scope="module")
def landmarks(astronaut, detector, predictor):
    (face,) = find_faces(astronaut, detector, predictor)
    return face.landmarks


def test_layout_of_the_points(landmarks, astronaut, detector):
    assert landmarks.shape == (68, 2)
    assert landmarks.dtype == np.float32
    left_eye, right_eye, nose, mouth_left, mouth_right = five_points(landmarks)
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < mouth_right[0]
    brows, chin = landmarks[17:27, 1].mean(), landmarks[8, 1]
    assert brows < left_eye[1] < nose[1] < mouth_left[1] < chin
    assert (np.diff(landmarks[2:15, 0]) > 0).all()
    assert (np.diff(landmarks[27:31, 1]) > 0).all()
    left, top, right, bottom = detector(astronaut)[0].box
    margin = 0.1 * (bottom - top)
    assert (landmarks > [left - margin, top - margin]).all()
    assert (landmarks < [right + margin, bottom + margin]).all()


def test_points_agree_with_positions_marked_by_eye(landmarks):
    marked = np.array([[203.0, 101.3], [246.3, 103.6], [224.6, 125.9], [203.0, 140.2], [244.8, 140.7]])
    assert np.linalg.norm(five_points(landmarks) - marked, axis=1).max() < 4


def test_mirrored_photo_gives_mirrored_points(landmarks, astronaut, detector, predictor):
    (face,) = find_faces(np.ascontiguousarray(astronaut[:, ::-1]), detector, predictor)
    mirrored = face.landmarks[MIRROR]
    mirrored[:, 0] = astronaut.shape[1] - mirrored[:, 0]
    assert distance(mirrored, landmarks) < 0.03


@pytest.mark.parametrize("angle", [-35, 20])
def test_points_follow_a_turned_photo(landmarks, astronaut, detector, predictor, angle):
    matrix = cv2.getRotationMatrix2D((224.5, 119.5), angle, 1.0)
    turned = cv2.warpAffine(astronaut, matrix, (512, 512))
    face = find_faces(turned, detector, predictor)[0]
    expected = (landmarks - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
    assert distance(face.landmarks, expected) < 0.03


@pytest.mark.parametrize("zoom", [0.4, 3.0])
def test_points_scale_with_the_photo(landmarks, astronaut, detector, predictor, zoom):
    size = (round(512 * zoom), round(512 * zoom))
    photo = cv2.resize(astronaut, size, interpolation=cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC)
    face = find_faces(photo, detector, predictor)[0]
    assert distance(face.landmarks * 512 / size[0], landmarks) < 0.03


@pytest.mark.parametrize("shift", [(-7, 0), (7, 4), (0, -6)])
def test_a_moved_box_changes_little_even_without_points(landmarks, astronaut, detector, predictor, shift):
    box = detector(astronaut)[0].box + np.tile(np.float32(shift), 2)
    assert distance(predictor(astronaut, box), landmarks) < 0.03


def test_face_cut_by_the_border_is_still_placed(landmarks, astronaut, detector, predictor):
    cut = np.ascontiguousarray(astronaut[85:])
    face = find_faces(cut, detector, predictor)[0]
    assert distance(face.landmarks + np.float32([0, 85]), landmarks) < 0.12


def test_an_empty_box_is_refused(astronaut, predictor):
    with pytest.raises(ValueError, match="empty"):
        predictor(astronaut, np.array([10, 10, 10, 50], np.float32))


def test_find_faces_without_a_face(detector, predictor):
    assert find_faces(np.zeros((64, 64, 3), np.uint8), detector, predictor) == []


def test_find_faces_keeps_the_detectors_order(astronaut, detector, predictor):
    head = astronaut[20:220, 120:320]
    photo = np.full((320, 540, 3), 90, np.uint8)
    photo[10:130, 10:130] = cv2.resize(head, (120, 120), interpolation=cv2.INTER_AREA)
    photo[10:310, 200:500] = cv2.resize(head, (300, 300), interpolation=cv2.INTER_CUBIC)
    large, small = find_faces(photo, detector, predictor)
    assert large.landmarks[30, 0] > 200 > small.landmarks[30, 0]


def test_aligned_portrait_lies_on_the_template(landmarks, astronaut):
    aligned = align_face(astronaut, landmarks)
    assert np.linalg.norm(aligned.landmarks / 224 - TEMPLATE_68, axis=1).mean() < 0.04


def test_points_on_the_aligned_crop_are_the_aligned_points(landmarks, astronaut, detector, predictor):
    aligned = align_face(astronaut, landmarks)
    (face,) = find_faces(aligned.image, detector, predictor)
    assert distance(face.landmarks, aligned.landmarks) < 0.03


@pytest.mark.skipif("GANFIT_DATASETS" not in os.environ, reason="GANFIT_DATASETS is not set")
def test_central_faces_of_lfw(detector, predictor):
    """Every portrait has a face around its centre whose landmarks line up with the mean face."""
    paths = sorted(Path(os.environ["GANFIT_DATASETS"], "lfw", "lfw-deepfunneled").glob("*/*_0001.jpg"))[::115]
    assert len(paths) > 40
    errors = []
    for path in paths:
        rgb = read_photo(path)
        faces = find_faces(rgb, detector, predictor)
        central = [face for face in faces if np.abs(face.landmarks[30] - 125).max() < 40]
        if central:
            errors.append(np.abs(align_face(rgb, central[0].landmarks).landmarks / 224 - TEMPLATE_68).mean())
    assert len(errors) == len(paths)
    assert np.median(errors) < 0.025
    assert max(errors) < 0.1
