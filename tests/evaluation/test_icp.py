"""ICP recovers known motions, and ends where Open3D's and simpleICP's end."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from evaluation.closest_point import ClosestPoint
from evaluation.crop import crop_ball
from evaluation.icp import IcpResult, Mode, Objective, global_scale, icp, plane_step
from evaluation.similarity import DegenerateError, Similarity
from evaluation.surface_distance import to_surface, to_tangent_plane
from ganfit_core.mesh import Surface
from tests.surfaces import moved, relief, similarity, sphere

HEAD = relief(90, 2)
MOTION = similarity(1.0, (6, -9, 5), (4, -5, 6))
IDENTITY = Similarity.identity()


def farthest(result: IcpResult, source: Surface, truth: Surface) -> float:
    """The most that a vertex lies away from its true place, in mm."""
    return float(np.abs(result.transform.apply(source.vertices) - truth.vertices).max())


@pytest.mark.parametrize(("mode", "scale"), [("rigid", 1.0), ("similarity", 1.1), ("similarity", 0.9)])
def test_a_moved_scaled_and_cropped_mesh_is_recovered(mode: Mode, scale: float) -> None:
    truth = Similarity(scale, MOTION.rotation, MOTION.translation)
    part = crop_ball(HEAD, np.zeros(3), 35)
    source = moved(part, truth.inverse())
    result = icp(source, HEAD, IDENTITY, mode, "point_to_plane", tolerance=1e-9, max_iterations=50)
    assert farthest(result, source, part) < 1e-4
    assert result.scale == pytest.approx(scale, abs=1e-6)
    assert result.rmse < 1e-6
    assert result.converged
    assert result.iterations < 15


@pytest.mark.parametrize("mode", ["rigid", "similarity"])
def test_point_to_point_comes_to_the_same_slowly(mode: Mode) -> None:
    part = crop_ball(HEAD, np.zeros(3), 35)
    source = moved(part, similarity(1.0, (0.3, -0.5, 0.2), (0.2, 0.1, -0.2)))
    soon, late = (
        icp(source, HEAD, IDENTITY, mode, "point_to_point", tolerance=0, max_iterations=steps) for steps in (10, 400)
    )
    assert farthest(late, source, part) < 1e-4
    assert farthest(soon, source, part) > 1e-2


def test_a_wrong_scale_is_seen_by_the_rigid_and_hidden_by_the_similarity() -> None:
    prediction = moved(HEAD, similarity(0.9, (3, 4, -2), (2, 3, 1)))
    ends = {}
    for mode, expected in (("rigid", 1.0), ("similarity", 1 / 0.9)):
        result = icp(prediction, HEAD, IDENTITY, mode, "point_to_plane", tolerance=1e-6, max_iterations=100)
        assert result.scale == pytest.approx(expected, abs=1e-4)
        ends[mode] = to_surface(result.transform.apply(prediction.vertices), ClosestPoint(HEAD)).values.mean()
    assert ends["similarity"] < 1e-3
    assert ends["rigid"] > 0.2


def test_a_rigid_alignment_keeps_the_scale_it_is_given() -> None:
    source = moved(HEAD, similarity(1 / 1.2, (2, 2, 2), (1, 1, 1)))
    start = Similarity(1.2, np.eye(3), np.zeros(3))
    result = icp(source, HEAD, start, "rigid", "point_to_plane", tolerance=1e-9, max_iterations=50)
    assert result.scale == pytest.approx(1.2)
    assert farthest(result, source, HEAD) < 1e-4


@pytest.mark.parametrize("objective", ["point_to_point", "point_to_plane"])
def test_a_partial_scan_draws_nothing_to_its_border(objective: Objective) -> None:
    """The whole head on a part of itself: what lies beyond the part has no partner there."""
    scan = crop_ball(HEAD, np.array([8.0, 3, 0]), 30)
    source = moved(HEAD, similarity(1.0, (1, -1, 1), (0.5, 0.5, -0.5)))
    kept, drawn = (
        icp(source, scan, IDENTITY, "rigid", objective, tolerance=1e-8, max_iterations=300, reject_border=reject)
        for reject in (True, False)
    )
    assert farthest(kept, source, HEAD) < (1e-4 if objective == "point_to_plane" else 0.02)
    assert farthest(drawn, source, HEAD) > 0.2


@pytest.mark.parametrize("objective", ["point_to_point", "point_to_plane"])
def test_the_rmse_is_that_of_the_end(objective: Objective) -> None:
    source = moved(relief(60, 3, shift=0.7), MOTION.inverse())
    source = Surface(source.vertices + np.random.default_rng(0).normal(0, 0.3, source.vertices.shape), source.faces)
    result = icp(source, HEAD, MOTION, "rigid", objective, tolerance=1e-6, max_iterations=200)
    end = moved(source, result.transform)
    measure = to_surface if objective == "point_to_point" else to_tangent_plane
    assert result.rmse == pytest.approx(np.sqrt(np.mean(measure(end.vertices, ClosestPoint(HEAD)).values ** 2)))
    assert 0.2 < result.rmse < 0.6


def test_the_steps_are_counted_and_none_is_taken_unasked() -> None:
    source = moved(HEAD, similarity(1.0, (2, 0, 0), (0, 1, 0)))
    none = icp(source, HEAD, MOTION, "rigid", "point_to_plane", tolerance=1e-9, max_iterations=0)
    assert none.transform is MOTION
    assert (none.iterations, none.converged) == (0, False)
    two = icp(source, HEAD, IDENTITY, "rigid", "point_to_plane", tolerance=0, max_iterations=2)
    assert (two.iterations, two.converged) == (2, False)
    at_once = icp(HEAD, HEAD, IDENTITY, "rigid", "point_to_plane", tolerance=1e-6, max_iterations=9)
    assert (at_once.iterations, at_once.converged) == (1, True)


def test_a_prepared_target_is_the_same() -> None:
    source = moved(HEAD, MOTION.inverse())
    plain, prepared = (
        icp(source, target, IDENTITY, "similarity", "point_to_plane", tolerance=1e-6, max_iterations=9)
        for target in (HEAD, ClosestPoint(HEAD))
    )
    np.testing.assert_array_equal(plain.transform.translation, prepared.transform.translation)


def test_undetermined_alignments() -> None:
    flat = Surface(HEAD.vertices * [1, 1, 0], HEAD.faces)
    with pytest.raises(DegenerateError, match="on a plane"):
        icp(relief(40, 3), flat, IDENTITY, "rigid", "point_to_plane", tolerance=1e-6, max_iterations=9)
    aside = moved(HEAD, similarity(1.0, (0, 0, 0), (500, 0, 0)))
    with pytest.raises(DegenerateError, match="inside the target's border"):
        icp(aside, HEAD, IDENTITY, "rigid", "point_to_plane", tolerance=1e-6, max_iterations=9)


def test_undetermined_steps() -> None:
    normals = sphere(1, 2).vertices
    with pytest.raises(DegenerateError, match="sphere"):
        plane_step(50 * normals, 51 * normals, normals, with_scale=False)
    with pytest.raises(DegenerateError, match="too few"):
        plane_step(50 * normals[:5], 51 * normals[:5], normals[:5], with_scale=False)
    with pytest.raises(DegenerateError, match="one place"):
        plane_step(np.ones((5, 3)), np.zeros((5, 3)), normals[:5], with_scale=False)


def test_point_to_point_finds_the_centre_of_a_sphere() -> None:
    ball = moved(sphere(50, 3), similarity(1.0, (0, 0, 0), (3, -2, 1)))
    result = icp(ball, sphere(52, 5), IDENTITY, "rigid", "point_to_point", tolerance=1e-9, max_iterations=200)
    np.testing.assert_allclose(result.transform.apply(ball.vertices).mean(axis=0), 0, atol=1e-3)
    assert result.rmse == pytest.approx(2, rel=1e-2)  # its triangles lie up to 0.02 mm inside


def point_pairs(seed: int = 0) -> tuple[NDArray, NDArray, NDArray]:
    """Points, moved and up to 0.2 mm off along the normals; where they belong; the normals there."""
    sheet = relief(70, 3)
    points, normals = sheet.vertices[sheet.faces].mean(axis=1), ClosestPoint(sheet).normals
    off = np.random.default_rng(seed).uniform(-0.2, 0.2, (len(points), 1)) * normals
    return similarity(1.0, (4, -6, 3), (3, -2, 4)).inverse().apply(points + off), points, normals


def specks(points: NDArray, normals: NDArray, size: float = 1e-4) -> Surface:
    """A surface that is a cloud of oriented points: a triangle of 0.1 micrometres for each, across its normal."""
    side = np.cross(normals, np.where(np.abs(normals[:, :1]) < 0.8, [1.0, 0, 0], [0, 1.0, 0]))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    angles = 2 * np.pi * np.arange(3) / 3
    circle = np.cos(angles)[:, None] * side[:, None] + np.sin(angles)[:, None] * np.cross(normals, side)[:, None]
    return Surface((points[:, None] + size * circle).reshape(-1, 3), np.arange(3 * len(points)).reshape(-1, 3))


def aligned_cloud(mode: Mode, objective: Objective) -> NDArray[np.float64]:
    """The moved points where our ICP takes them, with the pairs that clouds of points have."""
    source, points, normals = point_pairs()
    cloud = Surface(source, np.zeros((0, 3), np.int64))
    target = specks(points, normals)
    result = icp(cloud, target, IDENTITY, mode, objective, tolerance=1e-10, max_iterations=300, reject_border=False)
    return result.transform.apply(source)


@pytest.mark.parametrize(
    ("mode", "objective"),
    [("rigid", "point_to_plane"), ("rigid", "point_to_point"), ("similarity", "point_to_point")],
)
def test_the_end_is_open3d_s(mode: Mode, objective: Objective) -> None:
    import open3d as o3d

    source, points, normals = point_pairs()
    clouds = [o3d.geometry.PointCloud(o3d.utility.Vector3dVector(side)) for side in (source, points)]
    clouds[1].normals = o3d.utility.Vector3dVector(normals)
    registration = o3d.pipelines.registration
    estimation = (
        registration.TransformationEstimationPointToPlane()
        if objective == "point_to_plane"
        else registration.TransformationEstimationPointToPoint(with_scaling=mode == "similarity")
    )
    criteria = registration.ICPConvergenceCriteria(1e-15, 1e-15, 300)
    found = registration.registration_icp(*clouds, 1000.0, np.eye(4), estimation, criteria).transformation
    theirs = source @ found[:3, :3].T + found[:3, 3]
    np.testing.assert_allclose(aligned_cloud(mode, objective), theirs, atol=1e-3)


SIMPLEICP = np.array(
    [
        [0.99310575149746, -0.056425625569998, -0.102747822953579, 3.003147436532663],
        [0.049089572398792, 0.996153763881799, -0.072580249281945, -2.011047144815548],
        [0.106448016535629, 0.067036016313321, 0.992055942118422, 3.994299901386425],
    ]
)
"""What simpleICP 2.0.15 finds for `point_pairs()`, whose normals it was given.

Made in an environment of its own, as it asks for pandas < 3: the fixed cloud has the columns x, y, z, nx, ny, nz and a
planarity of 1, and `run(correspondences=1058, min_change=1e-7)` takes every point.
"""


def test_the_end_is_simpleicp_s() -> None:
    source, *_ = point_pairs()
    theirs = source @ SIMPLEICP[:3, :3].T + SIMPLEICP[:3, 3]
    np.testing.assert_allclose(aligned_cloud("rigid", "point_to_plane"), theirs, atol=1e-3)


def test_steps_over_fixed_pairs_find_the_least_squares() -> None:
    """With a scale Open3D has no point-to-plane estimation; SciPy's general least squares stands in."""
    source, points, normals = point_pairs()
    source = source / 1.05

    def residuals(x: NDArray) -> NDArray:
        there = np.exp(x[6]) * Rotation.from_rotvec(x[:3]).apply(source) + x[3:6]
        return ((there - points) * normals).sum(axis=1)

    best = least_squares(residuals, np.zeros(7), x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14).x
    transform = IDENTITY
    for _ in range(8):
        transform = transform.then(plane_step(transform.apply(source), points, normals, with_scale=True))
    assert transform.scale == pytest.approx(np.exp(best[6]), abs=1e-7)
    np.testing.assert_allclose(transform.rotation, Rotation.from_rotvec(best[:3]).as_matrix(), atol=1e-7)
    np.testing.assert_allclose(transform.translation, best[3:6], atol=1e-5)


def test_one_scale_for_all_is_the_least_squares() -> None:
    rng = np.random.default_rng(0)
    pairs = [(x := rng.normal(5, 50, (n, 3)), s * x + rng.normal(9, 1, (n, 3))) for n, s in ((50, 1.1), (200, 1.3))]
    centred = [[side - side.mean(axis=0) for side in pair] for pair in pairs]
    x, y = (np.concatenate(side).ravel() for side in zip(*centred, strict=True))
    assert global_scale(pairs) == pytest.approx(np.linalg.lstsq(x[:, None], y, rcond=None)[0][0])
    assert 1.1 < global_scale(pairs) < 1.3
    with pytest.raises(DegenerateError, match="no points"):
        global_scale([])
    with pytest.raises(ValueError, match="shapes"):
        global_scale([(x[:3, None], y[:4, None])])
