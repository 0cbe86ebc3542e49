"""Errors by protocol where the answer is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from evaluation.alignment import Prediction, Registration, Scan
from evaluation.measure import calibrate, measure, measure_subject, register
from evaluation.protocols import PROTOCOLS
from evaluation.similarity import Similarity
from ganfit_core.mesh import Surface
from tests.domes import dome, landmarks

FACE = dome(31)
TEMPLATE = Prediction(FACE, landmarks())
POSE = Similarity(1.0, Rotation.from_euler("xyz", [-15, 30, 5], degrees=True).as_matrix(), np.array([5.0, 80, -900]))
ANY_SCALE = [name for name, protocol in PROTOCOLS.items() if protocol.scale == "free"]


def scan(scale: float = 1.0, dent: float = 0.0, across: int = 47) -> Scan:
    """The face as a scanner sees it: larger or with a dent in the cheek, in another pose and topology."""
    surface, marks = dome(across), landmarks()
    place = replace(POSE, scale=scale)

    def form(points: np.ndarray) -> np.ndarray:
        hollow = dent * np.exp(-((points[:, 0] - 35) ** 2 + (points[:, 1] + 20) ** 2) / 300)
        return place.apply(points - hollow[:, None] * [0, 0, 1])

    return Scan(Surface(form(surface.vertices), surface.faces), form(marks))


def registered(one: Scan) -> Scan:
    return replace(one, registration=register(TEMPLATE, one))


SCAN = registered(scan())
DENTED = registered(scan(dent=4.0))


def shrunk(scale: float) -> Prediction:
    return Prediction(Surface(FACE.vertices * scale, FACE.faces), landmarks() * scale)


@pytest.mark.parametrize("name", ANY_SCALE)
def test_a_free_scale_hides_what_the_rigid_error_shows(name: str) -> None:
    # the scan's finer mesh of the same surface lies this far from the prediction's
    grain = measure(PROTOCOLS[name], TEMPLATE, SCAN).error
    found = measure(PROTOCOLS[name], shrunk(0.9), SCAN)
    assert found.protocol == name
    assert found.scale == pytest.approx(1 / 0.9, rel=4e-3)
    assert found.error == pytest.approx(grain, abs=0.03)
    assert grain < 0.3
    assert found.rigid_error > 3 * grain
    assert found.rigid_error > 0.4


@pytest.mark.parametrize("name", ["now/metrical", "now/metrical+nicp"])
def test_metrical_protocols_take_millimetres_as_they_are(name: str) -> None:
    found = measure(PROTOCOLS[name], shrunk(0.9), SCAN)
    assert found.scale == 1
    assert found.error == found.rigid_error
    assert found.error > 0.4


@pytest.mark.parametrize("name", ["micc/deng", "now", "micc/ganfit-paper", "micc/ganfit-release"])
def test_the_transformation_takes_the_prediction_to_the_scan(name: str) -> None:
    found = measure(PROTOCOLS[name], shrunk(0.9), SCAN)
    expected = POSE.apply(landmarks())
    apart = np.linalg.norm(found.transform.apply(landmarks() * 0.9) - expected, axis=1)
    assert apart.max() < 0.3
    assert found.converged


def test_the_statistic_is_the_protocols() -> None:
    deng, paper, now = (
        measure(PROTOCOLS[name], TEMPLATE, DENTED) for name in ("micc/deng", "micc/ganfit-paper", "now")
    )
    assert deng.error == deng.rmse
    assert paper.error == paper.mean
    assert now.error == now.median
    assert deng.rmse == pytest.approx(np.sqrt(np.mean(deng.distances**2)))
    assert now.median == pytest.approx(np.median(now.distances))


def test_the_heat_maps_hottest_spot_is_the_dent() -> None:
    found = measure(PROTOCOLS["micc/deng"], TEMPLATE, DENTED)
    hottest = found.crop.vertices[np.argmax(found.distances)]
    bottom = POSE.inverse().apply(hottest)[:2]
    np.testing.assert_allclose(bottom, [35, -20], atol=6)
    assert found.distances.max() == pytest.approx(3.2, abs=0.8)


@pytest.mark.parametrize("name", ["micc/deng", "micc/ganfit-release", "micc/deng+nicp"])
def test_the_crop_is_a_ball_around_the_nose_tip(name: str) -> None:
    found = measure(PROTOCOLS[name], TEMPLATE, replace(SCAN, crop_radius_override=40.0))
    away = np.linalg.norm(found.crop.vertices - SCAN.landmarks[30], axis=1)
    assert 35 < away.max() <= 40.001
    assert found.crop_radius == 40
    assert measure(PROTOCOLS[name], TEMPLATE, SCAN).crop_radius == 95
    assert found.crop_vertices == len(found.distances) == len(found.crop.vertices)
    assert found.crop.faces.max() < found.crop_vertices


def test_nows_crop_grows_with_the_face() -> None:
    eyes, nose = 64.0, np.linalg.norm(landmarks()[[39, 42]].mean(axis=0) - landmarks()[33])
    for scale in (0.8, 1.0):
        one = scan(scale)
        found = measure(PROTOCOLS["now"], TEMPLATE, one)
        base, bridge = one.landmarks[33], one.landmarks[[39, 42]].mean(axis=0)
        away = np.linalg.norm(found.crop.vertices - (base + 0.3 * (bridge - base)), axis=1).max()
        limit = 0.7 * scale * (eyes + nose)
        assert 0.9 * limit < away <= limit + 1e-9
        assert found.crop_radius == pytest.approx(limit)


def test_the_release_measures_in_the_templates_millimetres() -> None:
    protocol = PROTOCOLS["micc/ganfit-release"]
    usual = measure(protocol, shrunk(0.97), DENTED)
    larger = registered(scan(1.4, dent=4.0))
    found = measure(protocol, shrunk(0.97), larger)
    assert found.error == pytest.approx(usual.error, rel=0.05)
    assert found.scale == pytest.approx(1.4 * usual.scale, rel=0.01)
    assert found.rigid_error > 2 * usual.rigid_error


def test_one_scale_for_all() -> None:
    protocol = PROTOCOLS["micc/genova"]
    small, large = scan(0.9, across=45), scan(1.1, across=45)
    assert calibrate(protocol, [(TEMPLATE, small)]) == pytest.approx(0.9, rel=2e-3)
    both = calibrate(protocol, [(TEMPLATE, small), (TEMPLATE, large)])
    assert 0.95 < both < 1.05
    found = measure(protocol, TEMPLATE, small, both)
    assert found.scale == pytest.approx(both)
    assert found.error > measure(protocol, TEMPLATE, small, 0.9).error + 0.2
    with pytest.raises(ValueError, match="calibrate"):
        measure(protocol, TEMPLATE, small)
    with pytest.raises(ValueError, match="takes no scale"):
        measure(PROTOCOLS["micc/deng"], TEMPLATE, small, both)
    with pytest.raises(ValueError, match="in common"):
        calibrate(PROTOCOLS["micc/deng"], [(TEMPLATE, small)])


def test_what_the_errors_of_two_scans_come_to() -> None:
    good, bad = SCAN, DENTED
    for name in ("micc/ganfit-paper", "micc/deng", "now"):
        protocol = replace(PROTOCOLS[name], max_iterations=3)
        apart = [measure(protocol, TEMPLATE, one).error for one in (bad, good)]
        found = measure_subject(protocol, TEMPLATE, [bad, good])
        expected = {"minimum": (min(apart), 1), "mean": (np.mean(apart), None), "first": (apart[0], 0)}
        assert (found.error, found.scan) == expected[protocol.scans]
        assert found.scans == (1 if protocol.scans == "first" else 2)
    with pytest.raises(ValueError, match="no scan"):
        measure_subject(PROTOCOLS["now"], TEMPLATE, [])


@pytest.mark.parametrize("name", ["micc/ganfit-paper", "micc/deng"])
def test_a_scan_that_cannot_be_measured_does_not_lose_the_other(name: str) -> None:
    protocol = replace(PROTOCOLS[name], max_iterations=3)
    far = replace(SCAN, landmarks=SCAN.landmarks + 1000)
    lost = replace(SCAN, landmarks=np.full((68, 3), np.nan))
    found = measure_subject(protocol, TEMPLATE, [far, DENTED])
    assert found.error == measure(protocol, TEMPLATE, DENTED).error
    assert (found.scan, found.scans) == (1, 1)
    for scans, reason in (([far, lost], "nothing of the surface"), ([lost, far], "crops around")):
        with pytest.raises(ValueError, match=reason):
            measure_subject(protocol, TEMPLATE, scans)
    with pytest.raises(ValueError, match="nothing of the surface"):  # the first is the one that counts
        measure_subject(PROTOCOLS["now"], TEMPLATE, [far, DENTED])


@pytest.mark.parametrize("name", ["micc/ganfit-release", "micc/ganfit-paper+nicp"])
def test_a_registration_that_failed_is_not_measured(name: str) -> None:
    assert SCAN.registration is not None
    result = SCAN.registration.result
    near = np.linalg.norm(result.vertices - SCAN.landmarks[30], axis=1) <= 95
    order = np.cumsum(near & result.matched)

    def spoilt(share: float, converged: bool = True) -> Scan:
        matched = result.matched & (order <= share * near.sum())
        return replace(SCAN, registration=Registration(TEMPLATE, replace(result, matched=matched, converged=converged)))

    with pytest.raises(ValueError, match=f"of {near.sum()} vertices within the crop"):
        measure(PROTOCOLS[name], TEMPLATE, spoilt(0.45))
    assert measure(PROTOCOLS[name], TEMPLATE, spoilt(0.55)).converged
    assert not measure(PROTOCOLS[name], TEMPLATE, spoilt(0.55, converged=False)).converged


def test_a_hole_of_the_scan_is_not_held_against_the_prediction() -> None:
    whole = scan()
    hole = np.linalg.norm(whole.surface.vertices - whole.landmarks[48], axis=1) < 15
    pierced = Scan(
        Surface(whole.surface.vertices, whole.surface.faces[~hole[whole.surface.faces].any(axis=1)]), whole.landmarks
    )
    protocol = PROTOCOLS["micc/ganfit-paper"]
    strict = replace(protocol, border=True)
    usual = measure(protocol, TEMPLATE, whole).error
    assert measure(protocol, TEMPLATE, pierced).error == pytest.approx(usual, abs=0.02)
    counted = measure(replace(strict, distance="surface"), TEMPLATE, pierced).error
    assert counted > measure(replace(protocol, distance="surface"), TEMPLATE, pierced).error + 0.1


@pytest.mark.parametrize("name", ["micc/ganfit-paper", "micc/deng", "now", "micc/deng+nicp"])
def test_a_scan_of_loose_triangles_measures_like_the_whole(name: str) -> None:
    faces = DENTED.surface.faces
    soup = Surface(DENTED.surface.vertices[faces].reshape(-1, 3), np.arange(faces.size).reshape(-1, 3))
    protocol = replace(PROTOCOLS[name], max_iterations=5)
    loose = replace(DENTED, surface=soup)
    if protocol.needs_registration:
        loose = registered(loose)
    usual, found = (measure(protocol, TEMPLATE, one) for one in (DENTED, loose))
    assert (found.error, found.rmse, found.median) == pytest.approx((usual.error, usual.rmse, usual.median), abs=1e-6)
    assert found.crop_vertices == usual.crop_vertices


def test_what_cannot_be_measured_says_why() -> None:
    release = PROTOCOLS["micc/ganfit-release"]
    with pytest.raises(ValueError, match="registered scan"):
        measure(release, TEMPLATE, scan())
    with pytest.raises(ValueError, match="961 vertices, the prediction has 441"):
        measure(release, Prediction(dome(21), landmarks()), SCAN)
    unknown = landmarks()
    unknown[[30, 33]] = np.nan
    for name in ("micc/deng", "now"):
        with pytest.raises(ValueError, match="crops around"):
            measure(PROTOCOLS[name], TEMPLATE, replace(SCAN, landmarks=unknown))
