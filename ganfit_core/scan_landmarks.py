"""68 landmarks on a scan: it is drawn, they are found on the picture and lifted back to the surface."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, UInt8
from scipy.spatial.transform import Rotation

from ganfit_core.mesh import Surface
from ganfit_core.perception.align import five_points
from ganfit_core.perception.detect import Detection
from ganfit_core.perception.faces import Detector, LandmarkPredictor
from ganfit_core.scan_views import SIZE, Painter, View

_FACE_RADIUS = 150.0
"""Half the side of a picture of a face, mm."""
# A view whose face has this score is good enough to start from.
_SURE = 0.7
# From straight in front and from around it, in degrees (nod, turn): of what they tell of a point the middle one counts.
_AROUND = ((0, 0), (0, -12), (0, 12), (-8, 0), (8, 0))
# mm between the middles of the eyes; people have 50 to 75.
_EYES_APART = (40.0, 90.0)
# The landmarks may be this far from the five points of the detector, in distances between the eyes.
_TOLERANCE = 0.35
_JAW, _RIGHT_EYE, _LEFT_EYE, _MOUTH = slice(0, 17), slice(36, 42), slice(42, 48), slice(48, 60)
# Part of the way from the middle of the face to the jaw on which its outline is sought.
_JAW_SEARCH = 0.25
# Where depth changes by this many times the way on the picture, the surface breaks off: seen at 85 degrees.
_STEEPEST = 12.0


class NoFaceError(ValueError):
    """No view of the scan shows a face."""


@dataclass(frozen=True, eq=False)
class _Sighting:
    """A face that was found in a view."""

    score: float
    points: Float64[np.ndarray, "68 3"]
    """mm, on the surface; NaN where the picture shows a hole or the background."""


def landmarks_of_scan(
    surface: Surface,
    detect: Detector,
    predict: LandmarkPredictor,
    colours: UInt8[np.ndarray, "v 3"] | None = None,
    texture: UInt8[np.ndarray, "h w 3"] | None = None,
) -> Float64[np.ndarray, "68 3"]:
    """Landmarks (iBUG order) on the surface of a scan, mm; NaN for those that fall beside it or into a hole.

    The scan is drawn as it is released, the face towards +z and upright, and if that shows no face, turned in steps of
    45 and 90 degrees. From the landmarks that were found the face is then drawn anew from in front, several times.

    Args:
        surface: mm, in any pose; a `Mesh` if there is a texture.
        colours: RGB of the vertices.
        texture: image for the mesh's texture coordinates, taken rather than colours. With neither, the bare shape is
            drawn, lit from the camera, on which faces are found less surely.

    Raises:
        NoFaceError: no view shows a face of a face's size.
    """
    painter = Painter(surface, colours, texture)
    found = _first_sighting(painter, detect, predict)
    if found is None:
        raise NoFaceError("no face was found on any rendering of the scan")
    found = _look(painter, _frontal(found.points), detect, predict) or found
    frontal = _frontal(found.points)
    turns = Rotation.from_euler("xy", _AROUND, degrees=True).as_matrix()
    sightings = [_look(painter, replace(frontal, axes=turn @ frontal.axes), detect, predict) for turn in turns]
    return _middle(np.array([seen.points for seen in (found, *sightings) if seen is not None]))


def _middle(points: Float64[np.ndarray, "n 68 3"]) -> Float64[np.ndarray, "68 3"]:
    """Of what several views tell of each point, that which is nearest to their median; NaN if most tell nothing."""
    known = np.isfinite(points).all(axis=2)
    missed = 2 * known.sum(axis=0) <= len(points)
    median = np.nanmedian(np.where(missed[:, None], 0, points), axis=0)
    distance = np.where(known, np.linalg.norm(points - median, axis=2), np.inf)
    return np.where(missed[:, None], np.nan, points[distance.argmin(axis=0), np.arange(points.shape[1])])


def _first_sighting(painter: Painter, detect: Detector, predict: LandmarkPredictor) -> _Sighting | None:
    best: _Sighting | None = None
    centre = np.median(painter.surface.vertices, axis=0)
    radius = float(np.percentile(np.linalg.norm(painter.surface.vertices - centre, axis=1), 98)) * 1.1
    for axes in _orientations():
        seen = _look(painter, View(axes, centre, radius), detect, predict)
        if seen is not None and (best is None or seen.score > best.score):
            best = seen
        if best is not None and best.score >= _SURE:
            break
    return best


def _orientations() -> Iterator[Float64[np.ndarray, "3 3"]]:
    """As released; turned or nodded by 45 degrees; then all 24 ways in which a scanner may name its axes."""
    yield np.eye(3)
    for axis, angle in itertools.product("yx", (-45, 45)):
        yield Rotation.from_euler(axis, angle, degrees=True).as_matrix()
    yield from Rotation.create_group("O").as_matrix()


def _look(painter: Painter, view: View, detect: Detector, predict: LandmarkPredictor) -> _Sighting | None:
    """The surest face of a view, if it is as large as a face."""
    drawn = painter.draw(view)
    faces = detect(drawn.picture)
    if not faces:
        return None
    best: Detection = max(faces, key=lambda face: face.score)
    pixels = predict(drawn.picture, best.box, best.points).astype(np.float64)
    misfit = np.linalg.norm(five_points(pixels) - best.points, axis=1).max()
    if misfit > _TOLERANCE * np.linalg.norm(best.points[1] - best.points[0]):
        return None
    pixels = _pulled_in(pixels, drawn.depth, _STEEPEST * 2 * view.radius / SIZE)
    points = painter.lift(pixels, drawn)
    if not all(np.isfinite(points[part]).any() for part in (_RIGHT_EYE, _LEFT_EYE, _MOUTH)):
        return None
    apart = np.linalg.norm(_mean(points[_LEFT_EYE]) - _mean(points[_RIGHT_EYE]))
    return _Sighting(best.score, points) if _EYES_APART[0] < apart < _EYES_APART[1] else None


def _pulled_in(
    pixels: Float64[np.ndarray, "68 2"], depth: Float64[np.ndarray, "s s"], break_mm: float
) -> Float64[np.ndarray, "68 2"]:
    """The landmarks with those of the jaw, which lie on an outline, moved inwards to where the face ends.

    A pixel beyond the outline shows what is far behind: neck, ear or nothing. So each of them is sought from the face
    outwards, up to the first change of depth of ``break_mm`` from one pixel to the next.
    """
    centre = pixels[17:].mean(axis=0)
    steps = np.linspace(1 - _JAW_SEARCH, 1, SIZE // 4)[:, None, None]
    path = centre + steps * (pixels[_JAW] - centre)
    column, row = path.astype(np.int64).clip(0, SIZE - 1).transpose(2, 0, 1)
    whole = np.abs(np.diff(depth[row, column], axis=0)) < break_mm
    last = np.logical_and.accumulate(whole, axis=0).sum(axis=0)
    return np.concatenate([path[last, np.arange(len(last))], pixels[17:]])


def _frontal(points: Float64[np.ndarray, "68 3"]) -> View:
    """From straight in front of a face, its eyes level."""
    right_eye, left_eye, mouth = (_mean(points[part]) for part in (_RIGHT_EYE, _LEFT_EYE, _MOUTH))
    eyes = (right_eye + left_eye) / 2
    across = _normalised(left_eye - right_eye)
    out = _normalised(np.cross(across, eyes - mouth))
    centre = (eyes + mouth) / 2
    return View(np.stack([across, np.cross(out, across), out]), centre, _FACE_RADIUS)


def _mean(points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "3"]:
    """Of those that are known."""
    return np.nanmean(points, axis=0)


def _normalised(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)
