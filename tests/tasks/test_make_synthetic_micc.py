"""Invented people, from the seed to the files, with heads of the open model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from data import assets
from data.micc import parse_micc
from data.scans import read_ljson, read_scan
from data.synthetic_micc import layout, paint
from data.synthetic_micc.settings import SETTINGS
from data.video import open_video
from ganfit_core.perception import CenterFace, DlibLandmarks, find_faces
from tasks import make_synthetic_micc as task
from tasks.make_synthetic_micc import OtherDatasetError, make_subject, open_dataset, studio_of

FRAMES, SEED = 2, 4


@pytest.fixture(scope="module", autouse=True)
def coarse() -> Iterator[None]:
    """Heads of the open model as they are, and rougher colours: a tenth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(task.SOURCES, "open", 0)
        patch.setattr(paint, "_SAMPLING", 2)
        studio_of.cache_clear()
        yield
    studio_of.cache_clear()


def make(out: Path) -> None:
    """A dataset of one person."""
    open_dataset.fn(out, 1, FRAMES, SEED, "open", None)
    make_subject.fn(out, 1, FRAMES, SEED, "open", None)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("micc")
    make(out)
    return out


@pytest.fixture(scope="module")
def truth(made: Path) -> dict[str, np.ndarray]:
    with np.load(layout.truth_path(made, 1)) as file:
        return dict(file)


@pytest.fixture(scope="module")
def detect() -> CenterFace:
    return CenterFace(assets.find("centerface"))


@pytest.fixture(scope="module")
def landmarks() -> DlibLandmarks:
    return DlibLandmarks(assets.find("dlib-landmarks-68"))


def test_it_reads_as_micc(made: Path) -> None:
    dataset = parse_micc(made)
    assert not dataset.missing
    assert not dataset.unused
    (subject,) = dataset.subjects
    for name, video in subject.videos.items():
        frames = list(open_video(video).frames())
        assert len(frames) == FRAMES
        assert frames[0].image.shape == (SETTINGS[name].height, SETTINGS[name].width, 3)
    record = json.loads((made / "truth.json").read_text())
    assert (record["seed"], record["source"], record["subjects"]) == (SEED, "open", 1)
    assert set(record["sha256"]) == {"morphable", "texture-pca"}


def test_scans_are_of_the_true_head(made: Path, truth: dict[str, np.ndarray]) -> None:
    """Within noise and a faint expression: 68 landmarks, and the vertices near the nose."""
    for name in layout.SCANS:
        path = layout.scan_path(made, 1, name)

        def unposed(points: np.ndarray, name: str = name) -> np.ndarray:
            return (points - truth[f"{name}_translation"]) @ truth[f"{name}_rotation"]

        marks = unposed(read_ljson(path.with_suffix(".ljson")))
        off = np.linalg.norm(marks - truth["landmarks"], axis=1)
        assert 0.05 < np.nanmean(off) < 2
        points = unposed(read_scan(path).surface.vertices)
        near = np.linalg.norm(points - truth["landmarks"][30], axis=1) < 95
        assert near.sum() > 500
        # The open model's vertices are those of the scan, but for holes: no refinement here.
        distance = cKDTree(truth["vertices"]).query(points[near])[0]
        assert distance.mean() < 1.5


def test_no_two_scans_are_alike(made: Path) -> None:
    first, second = (read_ljson(layout.scan_path(made, 1, name).with_suffix(".ljson")) for name in layout.SCANS)
    between = [np.linalg.norm(marks[:, None] - marks, axis=2) for marks in (first, second)]
    assert 0.05 < np.nanmean(np.abs(between[0] - between[1])) < 3


@pytest.mark.parametrize("name", SETTINGS)
def test_the_face_is_found_where_it_is(
    made: Path, truth: dict[str, np.ndarray], name: str, detect: CenterFace, landmarks: DlibLandmarks
) -> None:
    video = open_video(layout.video_path(made, 1, SETTINGS[name].filename))
    between_eyes = np.linalg.norm(truth["landmarks"][36] - truth["landmarks"][45])
    for frame, expected, camera in zip(
        video.frames(), truth[f"{name}_landmarks"], truth[f"{name}_camera"], strict=True
    ):
        (face,) = find_faces(frame.image, detect, landmarks)
        side = max(SETTINGS[name].width, SETTINGS[name].height)
        scale = camera[9] * side / 2 / np.linalg.norm(camera[:3]) * between_eyes
        error = np.linalg.norm(face.landmarks - expected, axis=1)[17:].mean() / scale
        assert error < 0.08


def test_the_same_seed_makes_the_same_files(made: Path, tmp_path: Path) -> None:
    make(tmp_path / "again")
    files = [path.relative_to(made) for path in sorted(made.rglob("*")) if path.is_file() and path.name != "truth.json"]
    assert len(files) == 2 * 2 + 3 + 1
    for file in files:
        assert (tmp_path / "again" / file).read_bytes() == (made / file).read_bytes(), file


def test_what_is_there_stays_and_another_dataset_is_refused(made: Path) -> None:
    scan = layout.scan_path(made, 1, "frontal1")
    before = scan.stat().st_mtime_ns
    make_subject.fn(made, 1, FRAMES, SEED, "open", None)
    assert scan.stat().st_mtime_ns == before
    with pytest.raises(OtherDatasetError, match=r"another seed"):
        open_dataset.fn(made, 1, FRAMES, SEED + 1, "open", None)
    with pytest.raises(OtherDatasetError, match=r"another frames"):
        open_dataset.fn(made, 1, FRAMES + 1, SEED, "open", None)
