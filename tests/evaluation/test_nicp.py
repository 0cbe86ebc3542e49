"""Non-rigid registration of surfaces whose counterparts are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.transform import Rotation

from evaluation.closest_point import ClosestPoint
from evaluation.nicp import Schedule, _incidence, _Problem, nicp
from evaluation.similarity import Similarity
from ganfit_core.mesh import Surface
from tests.domes import dome, landmarks

TEMPLATE = dome(29)
POSE = Similarity(1.1, Rotation.from_euler("xyz", [20, -35, 10], degrees=True).as_matrix(), np.array([40.0, -300, 12]))


def bend(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Another person: a broader, longer face with a hollow cheek, in a scanner's pose."""
    x, y, z = points.T
    dent = 5 * np.exp(-((x - 35) ** 2 + (y + 15) ** 2) / 800)
    return POSE.apply(np.stack([x * (1 + y / 900), y + 3 * np.sin(x / 40), z - dent + y / 20], axis=1))


def scanned(seed: int = 0) -> Surface:
    """That person's scan, of another topology."""
    dense = dome(71, half=68)
    noise = np.random.default_rng(seed).normal(scale=0.05, size=dense.vertices.shape)
    return Surface(bend(dense.vertices) + noise, dense.faces)


def test_it_takes_the_scans_form_and_finds_the_counterparts() -> None:
    result = nicp(TEMPLATE, scanned(), landmarks(), bend(landmarks()))
    truth = bend(TEMPLATE.vertices)
    inner = np.abs(TEMPLATE.vertices[:, :2]).max(axis=1) < 60
    start = np.linalg.norm(result.start.apply(TEMPLATE.vertices) - truth, axis=1)[inner]
    apart = np.linalg.norm(result.vertices - truth, axis=1)[inner]
    assert result.converged
    assert result.matched[inner].all()
    assert result.rmse < 0.1
    assert start.mean() > 2
    # the rest is along the surface, where a smooth dome offers little to hold on to
    assert apart.mean() < 0.4 * start.mean()


def test_a_moved_and_scaled_copy_is_found_exactly() -> None:
    copy = Surface(POSE.apply(TEMPLATE.vertices), TEMPLATE.faces)
    marks = TEMPLATE.vertices[::37]
    result = nicp(TEMPLATE, copy, marks, POSE.apply(marks))
    np.testing.assert_allclose(result.vertices, copy.vertices, atol=1e-4)
    assert result.start.scale == pytest.approx(1.1)


def test_what_the_scan_does_not_show_is_carried_along() -> None:
    whole = scanned()
    hole = np.linalg.norm(whole.vertices - bend(np.array([[-35.0, -20, 78]])), axis=1) < 18
    pierced = Surface(whole.vertices, whole.faces[~hole[whole.faces].any(axis=1)])
    result = nicp(TEMPLATE, ClosestPoint(pierced), landmarks(), bend(landmarks()))
    truth = bend(TEMPLATE.vertices)
    over = np.linalg.norm(truth - bend(np.array([[-35.0, -20, 78]])), axis=1) < 14
    beyond = np.abs(TEMPLATE.vertices[:, :2]).max(axis=1) > 72
    assert over.sum() > 10
    assert not result.matched[over].any()
    assert not result.matched[beyond].any()
    assert np.linalg.norm(result.vertices - truth, axis=1)[over].max() < 2


def test_a_surface_behind_that_looks_the_other_way_is_no_correspondence() -> None:
    scan, cheek = scanned(), bend(np.array([[-35.0, -20, 78]]))
    turned = (np.linalg.norm(scan.vertices - cheek, axis=1) < 22)[scan.faces].any(axis=1)
    partly = Surface(scan.vertices, np.where(turned[:, None], scan.faces[:, ::-1], scan.faces))
    short = Schedule((20.0,), (5.0,), max_iterations=2)
    usual, found = (nicp(TEMPLATE, one, landmarks(), bend(landmarks()), short).matched for one in (scan, partly))
    there = np.linalg.norm(bend(TEMPLATE.vertices) - cheek, axis=1) < 14
    assert there.sum() > 10
    assert usual[there].all()
    assert not found[there].any()
    assert found.any()


def test_it_does_not_matter_which_way_the_scan_is_wound() -> None:
    scan = scanned()
    inward = Surface(scan.vertices, scan.faces[:, ::-1])
    short = Schedule((20.0, 3.0), (5.0, 1.0), max_iterations=2)
    usual, found = (nicp(TEMPLATE, one, landmarks(), bend(landmarks()), short) for one in (scan, inward))
    assert usual.matched.mean() > 0.5
    np.testing.assert_array_equal(found.matched, usual.matched)
    np.testing.assert_allclose(found.vertices, usual.vertices, atol=1e-3)


def test_unknown_landmarks_are_left_out_and_three_are_needed() -> None:
    known = bend(landmarks())
    partial = known.copy()
    partial[5:30] = np.nan
    result = nicp(TEMPLATE, scanned(), landmarks(), partial, Schedule((20.0, 3.0, 0.5), (5.0, 5.0, 1.0)))
    assert result.rmse < 0.1
    partial[2:] = np.nan
    with pytest.raises(ValueError, match="2 are known"):
        nicp(TEMPLATE, scanned(), landmarks(), partial)
    with pytest.raises(ValueError, match="as many landmark weights"):
        Schedule((1.0, 2.0), (1.0,))


def test_a_step_solves_equation_12() -> None:
    """The optimum equals that of the stacked system of the paper, solved densely."""
    random = np.random.default_rng(3)
    small = dome(5)
    vertices, count = small.vertices / 100, len(small.vertices)
    targets = vertices + random.normal(scale=0.1, size=vertices.shape)
    matched = random.random(count) < 0.7
    marks = sparse.csr_array(random.dirichlet(np.ones(count), size=4))
    goals = random.normal(size=(4, 3))
    alpha, beta, gamma = 0.7, 1.3, 0.4
    moved = _Problem(vertices, small.faces, marks, goals).solve(targets, matched, alpha, beta, gamma)

    stiff = np.kron(_incidence(small.faces, count).toarray(), np.diag([1, 1, 1, gamma]))
    rows = np.zeros((count, 4 * count))
    for i, vertex in enumerate(vertices):
        rows[i, 4 * i : 4 * i + 4] = [*vertex, 1]
    weights = matched[:, None].astype(float)
    system = np.concatenate([alpha * stiff, weights * rows, beta * marks.toarray() @ rows])
    right = np.concatenate([np.zeros((len(stiff), 3)), weights * targets, beta * goals])
    expected = rows @ np.linalg.lstsq(system, right, rcond=None)[0]
    np.testing.assert_allclose(moved, expected, atol=1e-5)
