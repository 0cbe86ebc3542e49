"""What is drawn at random: who the people are, and what they do before the camera.

Every part has a generator of its own, made of the seed, the person and the part's name, so that a person stays the
same whatever else is made.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from data.synthetic_micc.head_model import HeadModel
from data.synthetic_micc.paint import Colouring
from data.synthetic_micc.settings import Setting

TEXTURE_SIGMA = 0.8
"""Of the texture's latents: at 1 the maps of an unwrapped photograph's worst kind are too many."""
FACE_WIDTH = 150.0
"""mm, of a typical face, by which `Setting.face_width` becomes a focal length."""
_LIGHT_DISTANCE = 3000.0

_HAIR = ((0.05, 0.04, 0.04), (0.10, 0.07, 0.05), (0.20, 0.13, 0.08), (0.38, 0.27, 0.16), (0.42, 0.41, 0.40))
_IRIS = ((0.16, 0.09, 0.05), (0.25, 0.15, 0.08), (0.24, 0.27, 0.15), (0.25, 0.34, 0.42))

_ACTIONS = (
    ("mouthSmile", 0.6),
    ("jawOpen", 0.25),
    ("browInnerUp", 0.5),
    ("browDown", 0.4),
    ("browOuterUp", 0.5),
    ("mouthPress", 0.4),
    ("mouthPucker", 0.3),
    ("cheekSquint", 0.5),
    ("mouthStretch", 0.3),
)
"""Expressions of ICT-FaceKit that a video may show, both sides alike, and the most of each."""
_ACTIONS_AT_ONCE = 3
_OPEN_SIGMA = 0.5
"""Of the expression in a video, in standard deviations of the open model."""
SCAN_SIGMA = 0.1
"""Of the expression in a scan: nobody's face is quite at rest."""


@dataclass(frozen=True, eq=False)
class Person:
    """One invented person.

    Attributes:
        identity: (ns,) in standard deviations. texture: (d,) latents of the texture model.
    """

    number: int
    identity: Float[np.ndarray, " ns"]
    texture: Float32[np.ndarray, " d"]
    colouring: Colouring


@dataclass(frozen=True, eq=False)
class Shot:
    """A video, frame by frame; the camera moves around the resting head, which is the same to the eye.

    Attributes:
        expression: (T, ne). yaw, pitch, roll: (T,) radians, of the head to the camera: yaw is positive where the
            head turns to its left, pitch where it nods, roll where it leans to its right.
        camera: (T, 10), light: (T, 9), as this project has them, in the model frame; the image is a square of the
            frame's longer side, of which the frame is the middle.
        blur: px.
    """

    expression: Float[np.ndarray, "t ne"]
    yaw: Float[np.ndarray, " t"]
    pitch: Float[np.ndarray, " t"]
    roll: Float[np.ndarray, " t"]
    camera: Float32[np.ndarray, "t 10"]
    light: Float32[np.ndarray, "t 9"]
    blur: float


def generator_of(seed: int, person: int, part: str) -> np.random.Generator:
    """The generator of a part of a person."""
    return np.random.default_rng([seed, person, zlib.crc32(part.encode())])


def draw_person(seed: int, number: int, head: HeadModel, texture_dim: int) -> Person:
    """The person of this number."""
    generator = generator_of(seed, number, "person")
    identity = generator.standard_normal(len(head.identity)).clip(-2.5, 2.5)
    texture = TEXTURE_SIGMA * generator.standard_normal(texture_dim)
    hair, iris = (palette[generator.integers(len(palette))] for palette in (_HAIR, _IRIS))
    red, green, blue = generator.uniform(0.05, 0.45, 3).tolist()
    return Person(number, identity, texture.astype(np.float32), Colouring(hair, iris, (red, green, blue)))


def draw_expression(head: HeadModel, generator: np.random.Generator) -> Float[np.ndarray, " ne"]:
    """The faint expression of a scan."""
    weights = SCAN_SIGMA * generator.standard_normal(len(head.expression))
    return np.where(_restful(head), np.abs(weights), 0.0) if head.expression_names else weights


def draw_shot(seed: int, person: int, name: str, setting: Setting, head: HeadModel, n_frames: int) -> Shot:
    """A video of a person: slow turns and mild expressions before a camera that stands still."""
    generator = generator_of(seed, person, name)
    wave = _waves(generator, n_frames, 3)
    yaw = math.radians(setting.yaw) * wave[0]
    pitch = math.radians(setting.pitch) * wave[1] + math.radians(generator.uniform(*setting.camera_pitch))
    roll = math.radians(4.0) * wave[2]
    distance = generator.uniform(*setting.distance)
    side = max(setting.width, setting.height)
    focal = setting.face_width * sum(setting.distance) / 2 / FACE_WIDTH / (side / 2)
    # mm that the middle of the head is off the viewing axis: a share of what the frame shows, less for near faces.
    room = np.array([setting.width, setting.height]) / setting.face_width * FACE_WIDTH / 2 - [110.0, 130.0]
    middle = np.append(room.clip(0) * generator.uniform(-0.5, 0.5, 2), distance)
    sway = 6.0 * _waves(generator, n_frames, 3).T
    turn = _rotations(yaw, pitch, roll)
    place = middle * [1.0, 1.0, -1.0] + sway
    angle = math.radians(generator.uniform(*setting.light_side)) * generator.choice([-1, 1])
    lamp = _LIGHT_DISTANCE * np.array([math.sin(angle), generator.uniform(0.2, 0.6), math.cos(angle)]) + place.mean(0)
    tint = 1 + 0.06 * generator.uniform(-1, 1, 3)
    colours = np.concatenate([generator.uniform(*setting.light) * tint, generator.uniform(*setting.ambient) / tint])
    return Shot(
        expression=_acting(head, generator, n_frames),
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        camera=_cameras(turn, place, focal),
        light=np.concatenate([_into_model(turn, lamp - place), np.tile(colours, (n_frames, 1))], 1).astype(np.float32),
        blur=generator.uniform(*setting.blur),
    )


def _waves(generator: np.random.Generator, n_frames: int, count: int) -> Float[np.ndarray, "n t"]:
    """Slow curves in [-1, 1] that come near to both ends."""
    time = np.linspace(0, 1, n_frames)
    phase = generator.uniform(0, 2 * np.pi, (count, 2, 1))
    rate = generator.uniform(0.8, 1.3, (count, 1))
    return 0.85 * np.sin(2 * np.pi * rate * time + phase[:, 0]) + 0.15 * np.sin(5 * np.pi * time + phase[:, 1])


def _acting(head: HeadModel, generator: np.random.Generator, n_frames: int) -> Float[np.ndarray, "t ne"]:
    if not head.expression_names:
        curves = _waves(generator, n_frames, len(head.expression)).T
        return _OPEN_SIGMA * curves * generator.standard_normal(len(head.expression))
    weights = np.zeros((n_frames, len(head.expression)))
    chosen = generator.permutation(len(_ACTIONS))[:_ACTIONS_AT_ONCE]
    for index, curve in zip(chosen, _waves(generator, n_frames, _ACTIONS_AT_ONCE), strict=True):
        name, most = _ACTIONS[index]
        for place, unit in enumerate(head.expression_names):
            if unit in (name, f"{name}_L", f"{name}_R"):
                weights[:, place] = most * (curve.clip(-1, 1) + 1) / 2
    return weights


def _restful(head: HeadModel) -> np.ndarray:
    """(ne,) bool: the expressions of `_ACTIONS`; others at random look like grimaces, and some move the eyeballs."""
    names = [name for name, _ in _ACTIONS]
    return np.array([unit.removesuffix("_L").removesuffix("_R") in names for unit in head.expression_names])


def _rotations(
    yaw: Float[np.ndarray, " t"], pitch: Float[np.ndarray, " t"], roll: Float[np.ndarray, " t"]
) -> Float[np.ndarray, "t 3 3"]:
    """Model to a frame at rest with +x right, +y up and +z towards the camera: yaw, then pitch, then roll."""
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrices(rows: list[list[np.ndarray]]) -> np.ndarray:
        return np.stack([np.stack(row, -1) for row in rows], -2)

    def turn(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.cos(angle), np.sin(angle)

    (cy, sy), (cp, sp), (cr, sr) = turn(yaw), turn(pitch), turn(roll)
    about_y = matrices([[cy, zero, sy], [zero, one, zero], [-sy, zero, cy]])
    about_x = matrices([[one, zero, zero], [zero, cp, -sp], [zero, sp, cp]])
    about_z = matrices([[cr, -sr, zero], [sr, cr, zero], [zero, zero, one]])
    return about_z @ about_x @ about_y


def _into_model(turn: Float[np.ndarray, "t 3 3"], points: Float[np.ndarray, "*t 3"]) -> Float[np.ndarray, "t 3"]:
    return (turn.mT @ np.broadcast_to(points, (len(turn), 3))[..., None])[..., 0]


def _cameras(
    turn: Float[np.ndarray, "t 3 3"], place: Float[np.ndarray, "t 3"], focal: float
) -> Float32[np.ndarray, "t 10"]:
    """Cameras at rest in the origin looking along -z, as the turned head at `place` sees them."""
    eye = _into_model(turn, -place)
    ahead = _into_model(turn, np.array([0.0, 0.0, -1.0]) * np.abs(place[:, 2:]))
    up = _into_model(turn, np.array([0.0, 1.0, 0.0]))
    return np.concatenate([eye, eye + ahead, up, np.full((len(turn), 1), focal)], axis=1).astype(np.float32)
