"""What a 3D scanner makes of a head: noise, holes, shreds of hair, and a pose of its own.

The released scans of MICC are complete in the face, have holes where light did not come back, and ragged hair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ganfit_core.mesh import Surface

NOSE_TIP = 30
SCANNER_RESOLUTION = 1024
"""Side of the scanner's square images, px."""
_YAWS, _PITCHES, _DISTANCE, _FOCAL = (-60.0, -20.0, 20.0, 60.0), (-20.0, 20.0), 1200.0, 6.0
"""Where its cameras stand: degrees, mm; and their focal length in half image sides."""
_NOISE = 0.2
"""mm, standard deviation along the normals."""
_HOLES, _HOLE_RADIUS, _NO_HOLES = (5, 10), (2.0, 6.0), 30.0
"""How many holes; their radius, mm; and how far from the nose tip they begin, mm, as noses scan well."""
_HAIR_FROM, _TUFTS, _TUFT_RADIUS, _HAIR_LENGTH = 98.0, 25, 12.0, 8.0
"""mm from the nose tip where ragged hair begins, beyond every protocol's crop; tufts, their radius and length, mm."""
_DEPTH = 8.0
"""mm: what is not of one piece with the skin is scanned as far as this from it."""
_TURN, _SHIFT = 10.0, 60.0
"""Degrees and mm, standard deviations of the scanner's pose."""
_GAP = 3.0
"""mm: a landmark without scan nearer than this is not annotated."""


@dataclass(frozen=True, eq=False)
class Scan:
    """A scan in the scanner's frame.

    Attributes:
        surface: mm. colours: (V, 3) RGB in [0, 1].
        landmarks: (68, 3) mm, NaN where the scan has a hole.
        rotation: (3, 3), translation: (3,): scanner = rotation @ model + translation.
    """

    surface: Surface
    colours: Float32[np.ndarray, "v 3"]
    landmarks: Float[np.ndarray, "68 3"]
    rotation: Float[np.ndarray, "3 3"]
    translation: Float[np.ndarray, "3"]


def scanner_cameras() -> Float32[np.ndarray, "n 10"]:
    """The scanner's cameras, as this project has them, in the model frame: what none of them sees is not scanned."""
    yaw, pitch = np.radians(np.meshgrid(_YAWS, _PITCHES)).reshape(2, -1)
    eye = _DISTANCE * np.stack([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)], axis=1)
    rest = np.tile([0.0, 0, 0, 0, 1, 0, _FOCAL], (len(eye), 1))
    return np.concatenate([eye, rest], axis=1).astype(np.float32)


def scanned(
    vertices: Float[np.ndarray, "v 3"],
    faces: Int64[np.ndarray, "f 3"],
    colours: Float32[np.ndarray, "v 3"],
    hair: Float[np.ndarray, " v"],
    landmarks: Float[np.ndarray, "68 3"],
    generator: np.random.Generator,
) -> Scan:
    """Scan the faces that the scanner sees, without what lies deep in cavities.

    The cameras glimpse it through the slits of mouth and nose, but no light comes back from there.

    Args:
        vertices: mm, model frame, those of other faces included. hair: how much of it covers them, in [0, 1].
        landmarks: on the surface.
    """
    nose = landmarks[NOSE_TIP]
    faces = _shallow(vertices, faces)
    used, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(-1, 3)
    points, colours = vertices[used], colours[used]
    normals = _normals(points, faces)
    from_nose = np.linalg.norm(points - nose, axis=1)
    hairy = (hair[used] > 0.5) & (from_nose > _HAIR_FROM + _TUFT_RADIUS)
    lift = _NOISE * generator.standard_normal(len(points)) + _tufts(points, hairy, generator)
    whole = ~_holes(points, from_nose, generator)
    points = points + lift[:, None] * normals
    kept, faces = np.unique(faces[whole[faces].all(axis=1)], return_inverse=True)
    points, faces = points[kept], faces.reshape(-1, 3)
    gap = np.array([np.linalg.norm(points - landmark, axis=1).min() for landmark in landmarks])
    turn = Rotation.from_rotvec(np.radians(_TURN) * generator.standard_normal(3)).as_matrix()
    shift = _SHIFT * generator.standard_normal(3)
    return Scan(
        surface=Surface(points @ turn.T + shift, faces.astype(np.int64)),
        colours=colours[kept],
        landmarks=np.where(gap[:, None] < _GAP, landmarks, np.nan) @ turn.T + shift,
        rotation=turn,
        translation=shift,
    )


def _shallow(vertices: Float[np.ndarray, "v 3"], faces: Int64[np.ndarray, "f 3"]) -> Int64[np.ndarray, "f2 3"]:
    """The triangles of the largest piece, the skin, and those of other pieces that are not far from it, as eyes are."""
    ends = np.concatenate([faces[:, :2], faces[:, 1:]])
    links = coo_array((np.ones(len(ends), bool), ends.T), (len(vertices), len(vertices)))
    piece = connected_components(links, directed=False)[1]
    skin = piece == np.bincount(piece[faces[:, 0]]).argmax()
    near = np.ones(len(vertices), bool)
    others = np.unique(faces[~skin[faces[:, 0]]])
    near[others] = cKDTree(vertices[skin]).query(vertices[others])[0] < _DEPTH
    return faces[near[faces].all(axis=1)]


def _tufts(
    points: Float[np.ndarray, "v 3"], hairy: Bool[np.ndarray, " v"], generator: np.random.Generator
) -> Float[np.ndarray, " v"]:
    """mm outwards: ragged hair around some of these points."""
    lift = np.zeros(len(points))
    places = np.flatnonzero(hairy)
    for centre in points[generator.choice(places, _TUFTS)] if len(places) else ():
        near = np.linalg.norm(points - centre, axis=1) < _TUFT_RADIUS
        lift[near] = _HAIR_LENGTH * np.abs(generator.standard_normal(near.sum()))
    return lift


def _holes(
    points: Float[np.ndarray, "v 3"], from_nose: Float[np.ndarray, " v"], generator: np.random.Generator
) -> Bool[np.ndarray, " v"]:
    """The vertices that are lost."""
    lost = np.zeros(len(points), bool)
    count = generator.integers(*_HOLES, endpoint=True)
    radii = generator.uniform(*_HOLE_RADIUS, count)
    for centre, radius in zip(generator.choice(points, count), radii, strict=True):
        lost |= np.linalg.norm(points - centre, axis=1) < radius
    return lost & (from_nose > _NO_HOLES)


def _normals(vertices: Float[np.ndarray, "v 3"], faces: Int64[np.ndarray, "f 3"]) -> Float[np.ndarray, "v 3"]:
    """Unit normals: cross products of the triangles, which weigh by area, summed at their corners."""
    a, b, c = vertices[faces].transpose(1, 0, 2)
    cross = np.cross(b - a, c - a)
    index = faces.T.ravel()
    summed = np.stack([np.bincount(index, np.tile(part, 3), len(vertices)) for part in cross.T], axis=1)
    return summed / np.linalg.norm(summed, axis=1, keepdims=True).clip(1e-12)
