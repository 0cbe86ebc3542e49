"""Colours for every vertex of a head: skin from a UV map of this project's layout; hair, eyes and mouth by themselves.

The map belongs to another head. That one is bent so that its 68 landmarks meet those of the head to be coloured (thin
plate splines), and each vertex takes the colour of the nearest point on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from data.morphable.ict_facekit import PARTS
from data.synthetic_micc.refine import refine
from ganfit_core.mesh import Mesh

_SAMPLING = 3
"""Times the triangles of the map's head are cut in four: its points are then about 1 mm apart, less than a texel."""
# mm: how exactly landmarks must meet. Those of two models are not quite the same points.
_SLACK = 4.0

_IRIS_SHARE, _PUPIL_SHARE = 0.43, 0.17
"""Radii of iris and pupil seen from the front, in radii of the eyeball."""
# Darker than they are: lids and lips keep light away, and the shading knows no shadows.
_SCLERA, _PUPIL = (0.60, 0.57, 0.54), (0.03, 0.03, 0.03)
_TEETH, _GUMS, _MOUTH = (0.55, 0.52, 0.46), (0.25, 0.10, 0.09), (0.12, 0.04, 0.04)

_MOUTH_BELOW, _MOUTH_ABOVE = np.array([5.0, 25.0, 60.0]), np.array([5.0, 15.0, -3.0])
"""mm that the mouth reaches beyond the lips: to its right, down and back; to its left, up and forward."""

_HAIRLINE_Z = (-110.0, -52.0, -44.0, 12.0, 45.0, 75.0)
"""mm behind (-) and before the middle of the head, for `_HAIRLINE_Y`."""
_HAIRLINE_Y = (-60.0, -55.0, 12.0, 10.0, 50.0, 72.0)
"""mm above the middle of the head where hair begins: at the nape, over the ears, at the temples, at the forehead."""
_HAIRLINE_SOFT = 5.0


_COLLAR, _LEAST_CLOTHES = -170.0, 15.0
"""mm: where clothes begin, but at least so much above the end of the neck."""


@dataclass(frozen=True)
class Colouring:
    """A person's colours, RGB in [0, 1]."""

    hair: tuple[float, float, float]
    iris: tuple[float, float, float]
    clothes: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Paint:
    """Where a head's colours come from.

    Attributes:
        uvs: (V, 2) in the map, (0, 0) bottom-left.
        hair: (V,) in [0, 1], how much hair covers the skin. strand: (V,) its brightness, about 1.
        parts: (V,) indices into `ict_facekit.PARTS`.
        mouth: (V,) inside the mouth. clothed: (V,) below the neck.
        eye_radius: (V,) distance from the gaze in radii of the eyeball, NaN elsewhere.
    """

    uvs: Float[np.ndarray, "v 2"]
    hair: Float[np.ndarray, " v"]
    strand: Float[np.ndarray, " v"]
    parts: UInt8[np.ndarray, " v"]
    mouth: Bool[np.ndarray, " v"]
    clothed: Bool[np.ndarray, " v"]
    eye_radius: Float[np.ndarray, " v"]

    def __call__(self, uv_map: Float32[np.ndarray, "3 r r"], colouring: Colouring) -> Float32[np.ndarray, "v 3"]:
        """RGB in [0, 1] under a map and a person's colours."""
        side = uv_map.shape[-1]
        texel = np.stack([(1 - self.uvs[:, 1]) * side - 0.5, self.uvs[:, 0] * side - 0.5])
        skin = np.stack([map_coordinates(channel, texel, order=1, mode="nearest") for channel in uv_map], axis=1)
        hair = np.asarray(colouring.hair) * self.strand[:, None]
        colours = skin + self.hair[:, None] * (hair - skin)
        for name, colour in (("gums", _GUMS), ("teeth", _TEETH)):
            colours[self.parts == PARTS.index(name)] = colour
        colours[self.mouth] = _MOUTH
        colours[self.clothed] = colouring.clothes
        eyes = self.parts == PARTS.index("eyes")
        radius = self.eye_radius[eyes]
        colours[eyes] = np.where(
            radius[:, None] < _PUPIL_SHARE,
            _PUPIL,
            np.where(radius[:, None] < _IRIS_SHARE, colouring.iris, _SCLERA),
        )
        return colours.clip(0, 1).astype(np.float32)


def paint_of(
    vertices: Float[np.ndarray, "v 3"],
    parts: UInt8[np.ndarray, " v"],
    landmarks: Float[np.ndarray, "68 3"],
    map_head: Mesh,
    map_landmarks: Float[np.ndarray, "68 3"],
) -> Paint:
    """How to colour a mean head.

    Args:
        vertices: mm, the origin in the middle of the skull; parts: see `Paint`.
        landmarks: of this head. map_head: the head whose UV layout the maps have; map_landmarks: its own.
    """
    bend = RBFInterpolator(map_landmarks, landmarks, kernel="thin_plate_spline", smoothing=_SLACK)
    points, uvs = _sampled(bend(map_head.vertices), map_head)
    back = parts == PARTS.index("back")
    lips = landmarks[48:68]
    low, high = lips.min(axis=0) - _MOUTH_BELOW, lips.max(axis=0) + _MOUTH_ABOVE
    mouth = back & ((vertices > low) & (vertices < high)).all(axis=1)
    skin = ~mouth & (back | (parts == PARTS.index("face")))
    nearest = np.zeros(len(vertices), np.int64)
    nearest[skin] = cKDTree(points).query(vertices[skin])[1]  # what is deep inside has no near point, which takes long
    generator = np.random.default_rng(20)
    return Paint(
        uvs=uvs[nearest],
        hair=_hair(vertices) * skin,
        strand=1 + 0.15 * generator.standard_normal(len(vertices)).clip(-2, 2),
        parts=parts,
        clothed=vertices[:, 1] < collar_of(vertices),
        mouth=mouth,
        eye_radius=_eye_radius(vertices, parts == PARTS.index("eyes")),
    )


def collar_of(vertices: Float[np.ndarray, "v 3"]) -> float:
    """mm, negative: height below the middle of the head at which clothes begin."""
    return max(_COLLAR, float(vertices[:, 1].min()) + _LEAST_CLOTHES)


def _sampled(
    vertices: Float[np.ndarray, "v 3"], head: Mesh
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 2"]]:
    """Many points of the head's surface, moved to these vertices, and their texture coordinates."""
    corners = np.concatenate([vertices[head.faces], head.uvs[head.uv_faces]], axis=2).reshape(-1, 5)
    alone = np.arange(len(corners)).reshape(-1, 3)
    fine = refine(alone, len(corners), _SAMPLING)(corners)
    return fine[:, :3], fine[:, 3:]


def _hair(vertices: Float[np.ndarray, "v 3"]) -> Float[np.ndarray, " v"]:
    above = vertices[:, 1] - np.interp(vertices[:, 2], _HAIRLINE_Z, _HAIRLINE_Y)
    return 1 / (1 + np.exp(-(above / _HAIRLINE_SOFT).clip(-30, 30)))


def _eye_radius(vertices: Float[np.ndarray, "v 3"], eyes: Bool[np.ndarray, " v"]) -> Float[np.ndarray, " v"]:
    """The gaze is straight ahead: distances are those seen from the front. Behind the eye's middle they are 1."""
    radius = np.full(len(vertices), np.nan)
    for side in (eyes & (vertices[:, 0] > 0), eyes & (vertices[:, 0] < 0)):
        if side.any():
            ball = vertices[side]
            low, high = ball.min(axis=0), ball.max(axis=0)
            centre, size = (low + high) / 2, (high - low)[:2].mean() / 2
            from_axis = np.linalg.norm((ball - centre)[:, :2], axis=1) / size
            radius[side] = np.where(ball[:, 2] > centre[2], from_axis, 1.0)
    return radius
