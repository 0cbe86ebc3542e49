"""68 landmarks on a scan: it is drawn, they are found on the picture and lifted back to the surface."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64, UInt8
from scipy.spatial.transform import Rotation
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.mesh import Mesh, Surface
from ganfit_core.perception.detect import Detection
from ganfit_core.perception.faces import Detector, LandmarkPredictor
from ganfit_core.rasterize import default_rasterizer
from ganfit_core.renderer import at_corners, barycentric_coordinates, fragments, interpolate, sample_texture
from ganfit_core.shading import unit, vertex_normals

_SIZE = 512
_BACKGROUND = 0.5
_DISTANCE = 1200.0
"""From the camera to what it looks at, mm."""
_FACE_RADIUS = 150.0
"""Half the side of a picture of a face, mm."""
# A view whose face has this score is good enough to start from.
_SURE = 0.7
_REFINEMENTS = 2
# mm between the outer corners of the eyes; people have 75 to 110.
_EYES_APART = (60.0, 130.0)
_JAW = slice(0, 17)
# Part of the way from the middle of the face to the jaw on which its outline is sought.
_JAW_SEARCH = 0.25
# Where depth changes by this many times the way on the picture, the surface breaks off: seen at 85 degrees.
_STEEPEST = 12.0


class NoFaceError(ValueError):
    """No view of the scan shows a face."""


@dataclass(frozen=True, eq=False)
class _View:
    """A camera: where it looks, and how it is turned."""

    axes: Float64[np.ndarray, "3 3"]
    """Rows: what is to the right on the picture, what is up, and where the camera stands."""
    centre: Float64[np.ndarray, "3"]
    radius: float
    """Half the picture's side at the centre, mm."""

    def camera(self) -> Float[Tensor, "1 10"]:
        """p_c."""
        distance = max(_DISTANCE, 3 * self.radius)
        eye = self.centre + distance * self.axes[2]
        return torch.tensor([[*eye, *self.centre, *self.axes[1], distance / self.radius]])


@dataclass(frozen=True, eq=False)
class _Sighting:
    """A face that was found in a view."""

    score: float
    points: Float64[np.ndarray, "68 3"]
    """mm, on the surface; NaN where the picture shows the background."""


def landmarks_of_scan(
    surface: Surface,
    detect: Detector,
    predict: LandmarkPredictor,
    colours: UInt8[np.ndarray, "v 3"] | None = None,
    texture: UInt8[np.ndarray, "h w 3"] | None = None,
) -> Float64[np.ndarray, "68 3"]:
    """Landmarks (iBUG order) on the surface of a scan, mm; NaN for those that fall beside it.

    The scan is drawn as it is released, the face towards +z and upright, and if that shows no face, turned in steps of
    45 and 90 degrees. From the landmarks that were found the face is then drawn anew from straight in front.

    Args:
        surface: mm, in any pose; a `Mesh` if there is a texture.
        colours: RGB of the vertices.
        texture: image for the mesh's texture coordinates, taken rather than colours. With neither, the bare shape is
            drawn, lit from the camera, on which faces are found less surely.

    Raises:
        NoFaceError: no view shows a face of a face's size.
    """
    painter = _Painter(surface, colours, texture)
    found = _first_sighting(painter, detect, predict)
    if found is None:
        raise NoFaceError("no face was found on any rendering of the scan")
    for _ in range(_REFINEMENTS):
        found = _look(painter, _frontal(found.points), detect, predict) or found
    return found.points


def _first_sighting(painter: _Painter, detect: Detector, predict: LandmarkPredictor) -> _Sighting | None:
    best: _Sighting | None = None
    centre = np.median(painter.surface.vertices, axis=0)
    radius = float(np.percentile(np.linalg.norm(painter.surface.vertices - centre, axis=1), 98)) * 1.1
    for axes in _orientations():
        seen = _look(painter, _View(axes, centre, radius), detect, predict)
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
    yield from Rotation.create_group("O").as_matrix()[1:]


def _look(painter: _Painter, view: _View, detect: Detector, predict: LandmarkPredictor) -> _Sighting | None:
    """The surest face of a view, if it is as large as a face."""
    camera = view.camera()
    drawn = painter.draw(camera)
    faces = detect(drawn.picture)
    if not faces:
        return None
    best: Detection = max(faces, key=lambda face: face.score)
    pixels = predict(drawn.picture, best.box, best.points).astype(np.float64)
    pixels = _pulled_in(pixels, drawn.depth, _STEEPEST * 2 * view.radius / _SIZE)
    points = painter.lift(pixels, drawn.face_id, camera)
    apart = float(np.linalg.norm(points[36] - points[45]))
    if not _EYES_APART[0] < apart < _EYES_APART[1] or np.isnan(_frontal(points).axes).any():
        return None
    return _Sighting(best.score, points)


def _pulled_in(
    pixels: Float64[np.ndarray, "68 2"], depth: Float64[np.ndarray, "s s"], break_mm: float
) -> Float64[np.ndarray, "68 2"]:
    """The landmarks with those of the jaw, which lie on an outline, moved inwards to where the face ends.

    A pixel beyond the outline shows what is far behind: neck, ear or nothing. So each of them is sought from the face
    outwards, up to the first change of depth of ``break_mm`` from one pixel to the next.
    """
    centre = pixels[17:].mean(axis=0)
    steps = np.linspace(1 - _JAW_SEARCH, 1, _SIZE // 4)[:, None, None]
    path = centre + steps * (pixels[_JAW] - centre)
    column, row = path.astype(np.int64).clip(0, _SIZE - 1).transpose(2, 0, 1)
    whole = np.abs(np.diff(depth[row, column], axis=0)) < break_mm
    last = np.logical_and.accumulate(whole, axis=0).sum(axis=0)
    return np.concatenate([path[last, np.arange(len(last))], pixels[17:]])


def _frontal(points: Float64[np.ndarray, "68 3"]) -> _View:
    """From straight in front of a face, its eyes level."""
    right_eye, left_eye, mouth = (np.nanmean(points[part], axis=0) for part in _PARTS)
    eyes = (right_eye + left_eye) / 2
    across = _normalised(left_eye - right_eye)
    out = _normalised(np.cross(across, eyes - mouth))
    centre = (eyes + mouth) / 2
    return _View(np.stack([across, np.cross(out, across), out]), centre, _FACE_RADIUS)


_PARTS = (slice(36, 42), slice(42, 48), slice(48, 60))


def _normalised(vector: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "3"]:
    return vector / np.linalg.norm(vector)


@dataclass(frozen=True, eq=False)
class _Drawing:
    """A view of a scan."""

    picture: UInt8[np.ndarray, "s s 3"]
    face_id: Int64[Tensor, "s s"]
    """The face that covers each pixel, -1 for none."""
    depth: Float64[np.ndarray, "s s"]
    """mm along the viewing axis, 0 for none."""


class _Painter:
    """Draws a scan, and finds the points of its surface behind pixels."""

    def __init__(
        self, surface: Surface, colours: UInt8[np.ndarray, "v 3"] | None, texture: UInt8[np.ndarray, "h w 3"] | None
    ) -> None:
        self.surface = surface
        self._vertices = torch.from_numpy(surface.vertices.astype(np.float64))[None]
        self._faces = torch.from_numpy(surface.faces)
        self._rasterizer = default_rasterizer("cpu")
        self._texture: Tensor | None = None
        if texture is not None and isinstance(surface, Mesh):
            self._texture = torch.from_numpy(texture).permute(2, 0, 1)[None].double() / 255
            uvs = torch.from_numpy(surface.uvs.astype(np.float64))[None]
            self._at_corners = at_corners(uvs, torch.from_numpy(surface.uv_faces))
            self._lit = False
        else:
            values = vertex_normals(self._vertices, self._faces)
            self._lit = colours is None
            if colours is not None:
                values = torch.from_numpy(colours).double()[None] / 255
            self._at_corners = at_corners(values, self._faces)

    def draw(self, camera: Float[Tensor, "1 10"]) -> _Drawing:
        """The scan on grey."""
        screen = project(self._vertices, camera, _SIZE)
        seen = fragments(screen, self._faces, _SIZE, self._rasterizer)
        depth = interpolate(seen.face_id, seen.barycentrics, at_corners(screen[..., 2:], self._faces))[0, 0]
        values = interpolate(seen.face_id, seen.barycentrics, self._at_corners)
        if self._texture is not None:
            values = sample_texture(self._texture, values.flatten(2).mT).mT.unflatten(2, (_SIZE, _SIZE))
        elif self._lit:
            towards = unit(camera[:, :3] - camera[:, 3:6], dim=1)[:, :, None, None]
            # Scans may have their faces' corners in either order.
            values = (values * towards).sum(dim=1, keepdim=True).abs().expand(-1, 3, -1, -1)
        picture = torch.where(seen.face_id[:, None] >= 0, values, _BACKGROUND)
        rgb = (picture[0].permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()
        return _Drawing(rgb, seen.face_id[0], depth.numpy())

    def lift(
        self, pixels: Float[np.ndarray, "68 2"], face_id: Int64[Tensor, "s s"], camera: Float[Tensor, "1 10"]
    ) -> Float64[np.ndarray, "68 3"]:
        """The points of the surface behind pixels, NaN where there is none."""
        at = torch.from_numpy(pixels.astype(np.float64))
        inside = ((at >= 0) & (at < _SIZE)).all(dim=1)
        column, row = at.floor().long().clamp(0, _SIZE - 1).unbind(dim=1)
        face = torch.where(inside, face_id[row, column], -1)
        triangles = self._vertices[0][self._faces[face.clamp_min(0)]]
        corners = project(triangles.reshape(1, -1, 3), camera, _SIZE).view(1, -1, 3, 3)
        weights = barycentric_coordinates(corners.permute(0, 3, 2, 1), at.T[None])[0]
        points = torch.einsum("kn,nkc->nc", weights, triangles)
        points[face < 0] = torch.nan
        return points.numpy()
