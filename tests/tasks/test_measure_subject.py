"""Errors of predictions against scans where they are known: scans that are the model's own heads."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from data.faces_dataset import FaceDataset, Subject
from data.micc import parse_micc
from data.synthetic_micc.scanner import Scan
from ganfit_core.mesh import Surface
from tasks import measure_subject as task
from tasks.evaluate_micc import calibrate_scales
from tasks.measure_subject import NoScanError, measure_predictions, read_scans, recipe_of
from tests import filmed

PAPER, DENG, NOW, METRICAL, GENOVA = "micc/ganfit-paper", "micc/deng", "now", "now/metrical", "micc/genova"
MEASURES = ("error_mm", "rigid_error_mm", "rmse_mm", "median_mm", "scale", "iterations", "crop_vertices")


def prediction(identity: float | None = None, **columns: Any) -> dict[str, Any]:
    """As tasks.predict_subject gives it; the mean face for None."""
    row = {"setting": "indoor", "method": "fast", "fusion": "single", "without": [], "status": "ok", "stage": "fit"}
    if identity is None:
        row |= {"method": "mean face", "fusion": "none"}
    numbers = None if identity is None else filmed.coefficients(identity)[0].tolist()
    return row | {"identity": numbers, "reason": None, "frames": [], "skipped": []} | columns


NO_FACE = prediction(0.0) | {
    "identity": None,
    "status": "no_face",
    "stage": "detect",
    "reason": "no face on any of 3 frames",
}


@pytest.fixture
def person(tmp_path: Path) -> Callable[..., Subject]:
    def make(*scans: Scan, landmarks: bool = True) -> Subject:
        root = tmp_path / "micc"
        (root / "subject_01").mkdir(parents=True)
        for what, name in zip(scans, ("frontal1", "frontal2"), strict=False):
            filmed.scan(root, 1, what, name, landmarks)
        return parse_micc(root).subjects[0]

    return make


def measured(subject: Subject, out: Path, *protocols: str, of: Sequence[dict[str, Any]] = (prediction(),)) -> Any:
    return measure_predictions(subject, of, protocols, {}, out)


@pytest.mark.parametrize("identity", [None, 2.5])
def test_a_scan_of_the_predicted_head_shows_no_error(
    person: Callable[..., Subject], tmp_path: Path, identity: float | None
) -> None:
    """In another pose; the file has a ten-thousandth of a millimetre."""
    subject = person(filmed.head(identity or 0.0, filmed.posed))
    rows = measured(subject, tmp_path, PAPER, DENG, NOW, METRICAL, of=[prediction(identity)])
    assert [row["protocol"] for row in rows] == [PAPER, DENG, NOW, METRICAL]
    for row in rows:
        assert (row["status"], row["stage"], row["reason"]) == ("ok", "measure", None)
        assert row["error_mm"] < 2e-4
        assert row["rigid_error_mm"] < 2e-4
        assert row["scale"] == pytest.approx(1, abs=1e-5)
        assert (row["scan"], row["scans"], row["converged"], row["check"]) == ("frontal1", 1, True, None)
        assert row["crop_vertices"] > 500
        assert row["protocol_version"]


def test_another_head_shows_one(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person(filmed.head(2.5, filmed.posed))
    predictions = [prediction(identity) for identity in (2.5, 1.5, None)]
    right, near, far = (row["error_mm"] for row in measured(subject, tmp_path, DENG, of=predictions))
    assert right < 2e-4 < 0.05 < near < far


def test_size_is_hidden_by_a_free_scale_and_shown_beside_it(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person(filmed.head(change=lambda points: filmed.posed(1.1 * points)))
    free, metrical = measured(subject, tmp_path, NOW, METRICAL)
    assert free["error_mm"] < 1e-3
    assert free["scale"] == pytest.approx(1.1, abs=1e-4)
    assert free["rigid_error_mm"] > 1
    assert (metrical["scale"], metrical["error_mm"]) == (1, metrical["rigid_error_mm"])
    assert metrical["error_mm"] > 1


def test_one_scale_for_all_is_found_and_used(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person(filmed.head(change=lambda points: filmed.posed(1.1 * points)))
    one, recipe = prediction(), recipe_of(prediction())
    people = FaceDataset("micc", tmp_path, (subject, replace(subject, id="subject_99", scans=())), (), ())
    predictions = {"subject_01": [one], subject.id: [one], "subject_99": [one]}
    scale = calibrate_scales.fn(people, predictions, [GENOVA, PAPER])[GENOVA, recipe]
    assert scale == pytest.approx(1.1, abs=1e-4)
    (row,) = measure_predictions(subject, [one], [GENOVA], {(GENOVA, recipe): scale}, tmp_path)
    assert row["error_mm"] < 1e-3
    assert row["scale"] == pytest.approx(scale)
    (row,) = measured(subject, tmp_path, GENOVA)
    assert (row["status"], row["stage"]) == ("failed", "measure")
    assert "calibrate" in row["reason"]


def test_of_two_scans_the_protocol_says_which_counts(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person(filmed.head(2.5), filmed.head(0.0, filmed.posed))
    least, mean, first = measured(subject, tmp_path, PAPER, DENG, NOW)
    assert (least["scan"], least["scans"]) == ("frontal2", 2)
    assert least["error_mm"] < 2e-4
    assert mean["scan"] is None
    assert first["scan"] == "frontal1"
    alone = measured(replace(subject, scans=subject.scans[:1]), tmp_path, DENG)[0]["error_mm"]
    assert mean["error_mm"] == pytest.approx(alone / 2, abs=2e-4)
    assert alone > 0.2


def test_by_registration_the_mean_head_fits_its_scan(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person(filmed.head(0.0, filmed.posed))
    (row,) = measured(subject, tmp_path, "micc/ganfit-release")
    assert (row["status"], row["scan"]) == ("ok", "frontal1")
    assert row["error_mm"] < 0.02
    assert row["scale"] == pytest.approx(1, abs=1e-3)


def test_only_the_released_script_measures_less_of_subject_28(
    person: Callable[..., Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(protocol: Any, face: Any, against: Sequence[Any], scale: None) -> None:
        raise ValueError(f"radius {against[0].crop_radius_override}")

    monkeypatch.setattr(task, "register", lambda template, scan: None)
    monkeypatch.setattr(task, "measure_subject", refuse)
    subject = person(filmed.head())
    protocols = (PAPER, "micc/ganfit-release", "micc/ganfit-release+nicp")
    for who, radii in ((replace(subject, id="subject_28"), ("None", "60.0", "60.0")), (subject, ("None",) * 3)):
        reasons = [row["reason"] for row in measured(who, tmp_path, *protocols)]
        assert reasons == [f"ValueError: radius {radius}" for radius in radii]


def nans(points: np.ndarray) -> np.ndarray:
    return np.where(np.arange(len(points))[:, None] % 400 == 7, np.nan, points)


def test_a_scan_with_holes_for_numbers_is_repaired_and_says_so(person: Callable[..., Subject], tmp_path: Path) -> None:
    whole = filmed.head()
    subject = person(replace(whole, surface=Surface(nans(whole.surface.vertices), whole.surface.faces)))
    (row,) = measured(subject, tmp_path, PAPER)
    assert row["status"] == "ok"
    assert row["error_mm"] < 0.02
    assert any("not finite" in note and note.startswith("frontal1: ") for note in row["notes"])


def lose(scan: Scan, keep: Sequence[int]) -> Scan:
    known = np.isin(np.arange(68), keep)[:, None]
    return replace(scan, landmarks=np.where(known, scan.landmarks, np.nan))


BAD_SCANS = {
    "metres": (filmed.head(change=lambda points: points / 1000), "metres"),
    "centimetres": (filmed.head(change=lambda points: points / 10), "centimetres"),
    "no numbers": (
        replace(
            filmed.head(), surface=Surface(np.full((3, 3), np.nan), np.array([[0, 1, 2]])), colours=np.ones((3, 3))
        ),
        "none of its faces is usable",
    ),
    "no nose": (lose(filmed.head(), [*range(30), *range(31, 68)]), "nose tip"),
    "two landmarks": (lose(filmed.head(), [30, 31]), "2 landmarks are known"),
    "landmarks of another": (replace(filmed.head(), landmarks=filmed.posed(filmed.head().landmarks)), "another one"),
}


@pytest.mark.parametrize("kind", BAD_SCANS)
def test_a_bad_scan_is_one_row_each_with_its_reason(person: Callable[..., Subject], tmp_path: Path, kind: str) -> None:
    what, reason = BAD_SCANS[kind]
    predictions = [prediction(), NO_FACE, prediction(1.0)]
    rows = measured(person(what), tmp_path, DENG, NOW, of=predictions)
    assert len(rows) == 6
    assert [row["protocol"] for row in rows] == [DENG, NOW] * 3
    for row in (*rows[:2], *rows[4:]):
        assert (row["status"], row["stage"]) == ("failed", "scan")
        assert reason in row["reason"]
        assert "frontal1" in row["reason"]
        assert "\n" not in row["reason"]
        assert not any(row.get(column) for column in MEASURES)
    for row in rows[2:4]:  # what failed before keeps its reason
        assert (row["status"], row["stage"]) == ("no_face", "detect")
        assert row["reason"] == NO_FACE["reason"]


def test_beside_a_bad_scan_the_good_one_counts(person: Callable[..., Subject], tmp_path: Path) -> None:
    (row,) = measured(person(BAD_SCANS["metres"][0], filmed.head()), tmp_path, PAPER)
    assert (row["status"], row["scan"], row["scans"]) == ("ok", "frontal2", 1)
    assert row["error_mm"] < 2e-4
    (note,) = row["notes"]
    assert note.startswith("frontal1 left out: ScanError: ")


def test_without_scans_there_is_one_reason(person: Callable[..., Subject], tmp_path: Path) -> None:
    subject = person()
    with pytest.raises(NoScanError, match=r"no scan in the dataset"):
        read_scans(subject)
    rows = measured(subject, tmp_path, DENG, NOW, of=[prediction(), NO_FACE])
    assert [row["status"] for row in rows] == ["failed", "failed", "no_face", "no_face"]
    assert rows[0]["reason"] == "NoScanError: no scan in the dataset"


def test_damaged_landmarks_leave_their_scan_out(person: Callable[..., Subject]) -> None:
    subject = person(filmed.head(), filmed.head())
    file = subject.scans[1].landmarks
    assert file is not None
    file.write_text(json.dumps({"landmarks": {"points": [[0, 0, 0]]}}))
    scans = read_scans(subject)
    assert scans.names == ["frontal1"]
    (note,) = scans.notes
    assert "68 landmarks of 3 coordinates are expected, not 1" in note


def test_landmarks_are_found_on_a_rendering_where_there_are_none(person: Callable[..., Subject]) -> None:
    """On the bare shape, to which the detector was not made; the true landmarks are known."""
    truth = filmed.head()
    scans = read_scans(person(truth, landmarks=False))
    assert scans.notes == ["frontal1: landmarks found on a rendering"]
    away = np.linalg.norm(scans.scans[0].landmarks - truth.landmarks, axis=1)[17:]
    assert np.nanmean(away) < 5
    assert np.isfinite(away).mean() > 0.9


def test_a_scan_on_which_no_face_is_found_is_one_reason(
    person: Callable[..., Subject], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "CenterFace", lambda path: lambda rgb: [])
    (row,) = measured(person(filmed.head(), landmarks=False), tmp_path, DENG)
    assert (row["status"], row["stage"]) == ("failed", "scan")
    assert "frontal1 left out: NoFaceError" in row["reason"]


def test_an_identity_that_is_no_number_fails_alone(person: Callable[..., Subject], tmp_path: Path) -> None:
    rows = measured(person(filmed.head()), tmp_path, DENG, of=[prediction(float("nan")), prediction()])
    assert [row["status"] for row in rows] == ["failed", "ok"]
    assert rows[0]["stage"] == "measure"
    assert rows[0]["reason"]


def test_one_setting_is_pictured_by_the_first_protocol(person: Callable[..., Subject], tmp_path: Path) -> None:
    from PIL import Image

    subject = person(filmed.head(2.0, filmed.posed))
    predictions = [prediction(1.0, fusion="mean of fits"), prediction(), prediction(setting="outdoor")]
    rows = measure_predictions(subject, predictions, [DENG, NOW], {}, tmp_path / "out", "indoor")
    checks = [row["check"] for row in rows]
    folder = "checks/subject_01"
    assert checks == [
        f"{folder}/indoor-fast-mean-of-fits.png",
        None,
        f"{folder}/indoor-mean-face.png",
        None,
        None,
        None,
    ]
    for check in checks[0], checks[2]:
        path = tmp_path / "out" / check
        with Image.open(path) as picture:
            assert picture.size[0] > picture.size[1] > 300
        scene = trimesh.load(path.with_suffix(".glb"))
        assert set(scene.geometry) == {"prediction", "scan"}
        # In the prediction's frame, wherever the scanner stood: both faces lie on each other.
        prediction_box, scan_box = (scene.geometry[name].bounds for name in ("prediction", "scan"))
        assert abs(scan_box.mean(axis=0)[0]) < 0.005
        assert (scan_box[0] > prediction_box[0] - 0.01).all()
        assert (scan_box[1] < prediction_box[1] + 0.01).all()
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2
