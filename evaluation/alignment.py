"""How a protocol lays a prediction on a scan, and the distances that remain.

There are three ways, each a function here: closest points of the scan itself, closest points of a template registered
to the scan, and counterparts in such a registered template.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray

from evaluation.closest_point import Closest, ClosestPoint
from evaluation.crop import crop_ball
from evaluation.icp import Mode, icp
from evaluation.nicp import NicpResult, vertex_normals
from evaluation.protocols import Distance, Protocol
from evaluation.similarity import Similarity, procrustes
from evaluation.surface_distance import Measure, along, to_surface, to_tangent_plane
from ganfit_core.mesh import Surface

NOSE_TIP = 30
_MEASURES: dict[Distance, Measure] = {"surface": to_surface, "tangent plane": to_tangent_plane}
_NOSE_BASE, _OUTER_EYES, _INNER_EYES = 33, [36, 45], [39, 42]


@dataclass(frozen=True, eq=False)
class Prediction:
    """A reconstructed face, or a model's mean face."""

    surface: Surface
    """Skin alone: what lies within the mouth or behind the eyelids is on no scan. mm."""
    landmarks: Float[np.ndarray, "68 3"]
    """On it, mm."""


@dataclass(frozen=True, eq=False)
class Registration:
    """A template registered to a scan."""

    template: Prediction
    result: NicpResult


@dataclass(frozen=True, eq=False)
class Scan:
    """What a prediction is measured against."""

    surface: Surface
    """mm, in the scanner's frame."""
    landmarks: Float[np.ndarray, "68 3"]
    """On it, mm; rows that are not known are NaN."""
    crop_radius_override: float | None = None
    """In the place of the protocol's, mm: MICC's subject 28 has 60."""
    registration: Registration | None = None
    """Of the topology of the predictions, for the protocols that need it."""


@dataclass(frozen=True, eq=False)
class Fit:
    """A prediction laid on a scan."""

    transform: Similarity
    """Prediction to scan."""
    crop: Surface
    """What is measured of the scan, or of its registration; in the scan's frame."""
    distances: Float64[np.ndarray, " n"]
    """Of the crop's vertices, mm; NaN where they do not count."""
    directions: tuple[Float64[np.ndarray, " k"], ...]
    """The distances that count, of one direction or of both."""
    paired: Float64[np.ndarray, "m 3"]
    """Points of the prediction, in its own frame, with ..."""
    matches: Float64[np.ndarray, "m 3"]
    """... their counterparts on the scan."""
    iterations: int
    converged: bool
    """Of the alignment and, where there is one, of the scan's registration."""
    crop_radius: float
    """Of the ball that is measured, mm."""


def align(protocol: Protocol, prediction: Prediction, scan: Scan, scale: float | None) -> Fit:
    """Lay a prediction on a scan as the protocol says.

    Args:
        scale: of the prediction; None leaves it free.

    Raises:
        ValueError: the scan's registration or landmarks that the protocol needs are lacking, the registration matches
            fewer than half of the vertices within the crop, nothing lies within it, or nothing corresponds.
    """
    match protocol.alignment:
        case "icp" | "icp from the scan":
            return _by_closest_points(protocol, prediction, scan, scale)
        case "icp of the registered scan":
            return _by_registered_scan(protocol, prediction, scan, scale)
        case "nicp":
            return _by_counterparts(protocol, prediction, scan, scale)


def _by_closest_points(protocol: Protocol, prediction: Prediction, scan: Scan, scale: float | None) -> Fit:
    centre, radius = _ball(protocol, scan)
    chosen = list(protocol.start)
    start = _best(prediction.landmarks[chosen], scan.landmarks[chosen], scale)
    crop = crop_ball(scan.surface, centre, radius)
    measured = ClosestPoint(scan.surface)
    mode: Mode = "similarity" if scale is None else "rigid"
    settings = (mode, protocol.objective, protocol.tolerance_mm, protocol.max_iterations)
    if protocol.alignment == "icp":
        near = crop_ball(prediction.surface, start.inverse().apply(centre), radius / start.scale)
        result = icp(_thinned(protocol, near), measured, start, *settings)
        transform = result.transform
    else:
        result = icp(_thinned(protocol, crop), prediction.surface, start.inverse(), *settings)
        transform = result.transform.inverse()

    moved = Surface(transform.apply(prediction.surface.vertices), prediction.surface.faces)
    distances, _ = _distances(protocol, crop.vertices, ClosestPoint(moved))
    inside = np.flatnonzero(np.linalg.norm(moved.vertices - centre, axis=1) <= radius)
    back, closest = _distances(protocol, moved.vertices[inside], measured)
    kept = ~closest.on_border
    return Fit(
        transform,
        crop,
        distances,
        _counted(protocol, distances, back),
        prediction.surface.vertices[inside[kept]].astype(np.float64),
        closest.points[kept],
        result.iterations,
        result.converged,
        radius,
    )


def _by_registered_scan(protocol: Protocol, prediction: Prediction, scan: Scan, scale: float | None) -> Fit:
    registration = _registration(prediction, scan)
    to_template = _to_template(registration, scan, scale)
    registered = Surface(to_template.apply(registration.result.vertices), prediction.surface.faces)
    centre, radius = _ball(protocol, scan)
    _matched_within(registration, centre, radius)
    there = _rounds(protocol, registered, to_template.apply(centre), radius, prediction.surface, scale)
    back = _rounds(protocol, prediction.surface, prediction.landmarks[NOSE_TIP], radius, registered, scale)
    vertices = registration.result.vertices
    return Fit(
        back.transform.then(to_template.inverse()),
        _part(Surface(vertices, prediction.surface.faces), there.inside),
        there.distances,
        (there.distances, back.distances),
        prediction.surface.vertices[back.inside].astype(np.float64),
        vertices[back.inside],
        there.iterations + back.iterations,
        there.converged and back.converged and registration.result.converged,
        radius,
    )


def _by_counterparts(protocol: Protocol, prediction: Prediction, scan: Scan, scale: float | None) -> Fit:
    registration = _registration(prediction, scan)
    vertices, faces = registration.result.vertices, prediction.surface.faces
    centre, radius = _ball(protocol, scan)
    inside = _matched_within(registration, centre, radius)
    frame = _to_template(registration, scan, scale) if protocol.frame == "template" else Similarity.identity()
    targets = frame.apply(vertices)
    transform = _best(prediction.surface.vertices[inside], targets[inside], scale)
    moved = transform.apply(prediction.surface.vertices)
    apart = (moved - targets)[inside]
    if protocol.distance == "surface":
        distances = back = np.linalg.norm(apart, axis=1)
    else:
        distances = along(apart, vertex_normals(moved, faces)[inside])
        back = along(apart, vertex_normals(targets, faces)[inside])
    return Fit(
        transform.then(frame.inverse()),
        _part(Surface(vertices, faces), inside),
        distances,
        _counted(protocol, distances, back),
        prediction.surface.vertices[inside].astype(np.float64),
        vertices[inside],
        registration.result.iterations,
        registration.result.converged,
        radius,
    )


@dataclass(frozen=True, eq=False)
class _Rounds:
    """Where the rounds of the released script ended."""

    transform: Similarity
    inside: Int64[np.ndarray, " n"]
    distances: Float64[np.ndarray, " n"]
    iterations: int
    converged: bool


def _rounds(
    protocol: Protocol,
    moving: Surface,
    centre: NDArray[np.floating],
    radius: float,
    target: Surface,
    scale: float | None,
) -> _Rounds:
    """ICP of meshes of one topology: pairs by index first, then closest points, while the mean distance falls."""
    inside = np.flatnonzero(np.linalg.norm(moving.vertices - centre, axis=1) <= radius)
    if len(inside) < 3:
        raise ValueError(f"nothing of the mesh lies within {radius:g} mm of its nose tip")
    points, matches = moving.vertices[inside].astype(np.float64), target.vertices[inside].astype(np.float64)
    closest = ClosestPoint(target)
    transform = Similarity.identity()
    mean = np.linalg.norm(points - matches, axis=1).mean()
    for rounds in range(1, protocol.max_iterations + 1):  # noqa: B007
        step = procrustes(points, matches, with_scale=scale is None)
        points, transform = step.apply(points), transform.then(step)
        distances, found = to_surface(points, closest)
        matches, previous, mean = found.points, mean, distances.mean()
        if converged := bool(previous - mean <= protocol.tolerance_mm):
            break
    return _Rounds(transform, inside, distances, rounds, converged)


def _ball(protocol: Protocol, scan: Scan) -> tuple[NDArray[np.float64], float]:
    """Centre and radius of the crop, in the scan's frame."""
    marks = scan.landmarks.astype(np.float64)
    if protocol.crop == "nose tip":
        centre, radius = marks[NOSE_TIP], protocol.crop_radius_mm
    else:
        bridge = marks[_INNER_EYES].mean(axis=0)
        centre = marks[_NOSE_BASE] + 0.3 * (bridge - marks[_NOSE_BASE])
        eyes = np.linalg.norm(np.subtract(*marks[_OUTER_EYES]))
        radius = float(0.7 * (eyes + np.linalg.norm(bridge - marks[_NOSE_BASE])))
    if scan.crop_radius_override is not None:
        radius = scan.crop_radius_override
    if radius is None or not np.isfinite([*centre, radius]).all():
        raise ValueError(f"{protocol.id} crops around the {protocol.crop}, whose landmarks are not known")
    return centre, radius


def _best(source: NDArray[np.floating], target: NDArray[np.floating], scale: float | None) -> Similarity:
    """Procrustes of the pairs that are known, with this scale, or the best one."""
    known = np.isfinite(source).all(axis=1) & np.isfinite(target).all(axis=1)
    grown = Similarity(1.0 if scale is None else scale, np.eye(3), np.zeros(3))
    return grown.then(procrustes(grown.apply(source[known]), target[known], with_scale=scale is None))


def _to_template(registration: Registration, scan: Scan, scale: float | None) -> Similarity:
    """The scan's frame to the template's, by the landmarks; millimetres stay the person's where the scale is fixed."""
    return _best(scan.landmarks, registration.template.landmarks, scale)


def _registration(prediction: Prediction, scan: Scan) -> Registration:
    if scan.registration is None:
        raise ValueError("this protocol measures against a registered scan; `register` makes one")
    if len(scan.registration.result.vertices) != len(prediction.surface.vertices):
        there, here = len(scan.registration.result.vertices), len(prediction.surface.vertices)
        raise ValueError(f"the scan is registered to a template of {there} vertices, the prediction has {here}")
    return scan.registration


def _matched_within(registration: Registration, centre: NDArray[np.float64], radius: float) -> NDArray[np.int64]:
    """The vertices within the crop that the registration matched. Raises ValueError where it matched less than half."""
    result = registration.result
    near = np.linalg.norm(result.vertices - centre, axis=1) <= radius
    matched = np.flatnonzero(near & result.matched)
    if len(matched) < max(3, near.sum() / 2):
        raise ValueError(f"the registration matches {len(matched)} of {near.sum()} vertices within the crop only")
    return matched


def _distances(
    protocol: Protocol, points: NDArray[np.floating], target: ClosestPoint
) -> tuple[NDArray[np.float64], Closest]:
    """Of the points from the surface by the protocol's measure, NaN where they do not count; and the closest points."""
    distances, closest = _MEASURES[protocol.distance](points, target)
    return distances if protocol.border else np.where(closest.on_border, np.nan, distances), closest


def _counted(
    protocol: Protocol, there: NDArray[np.float64], back: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """The distances that count, by direction."""
    chosen = (there, back) if protocol.directions == "both" else (there,)
    return tuple(distances[np.isfinite(distances)] for distances in chosen)


def _thinned(protocol: Protocol, surface: Surface) -> Surface:
    """The vertices that take part in the ICP."""
    count = len(surface.vertices)
    stride = -(-count // (protocol.icp_vertices or count))
    return Surface(surface.vertices[::stride], surface.faces[:0])


def _part(surface: Surface, inside: NDArray[np.int64]) -> Surface:
    """These vertices, in increasing order, and the triangles between them."""
    faces = surface.faces[np.isin(surface.faces, inside).all(axis=1)]
    return Surface(surface.vertices[inside], np.searchsorted(inside, faces))
