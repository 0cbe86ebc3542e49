"""Hair that falls from a parting over the forehead and one eye."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64, UInt8

from ganfit_core.corruption.base import Corrupted, Face
from ganfit_core.corruption.curves import bezier, ribbon
from ganfit_core.corruption.layer import Layer
from ganfit_core.perception.align import transform

_COLOURS = np.array(
    [
        (0.07, 0.06, 0.06),
        (0.20, 0.13, 0.09),
        (0.36, 0.24, 0.15),
        (0.72, 0.56, 0.34),
        (0.52, 0.24, 0.12),
        (0.58, 0.57, 0.56),
    ]
)
_LOCKS, _STRANDS = 50, 230
_STEPS = 18


def hair(photo: UInt8[np.ndarray, "h w 3"], face: Face, rng: np.random.Generator) -> Corrupted:
    """Locks for the body and thin strands over them, all of one colour, longest on the side of the hidden eye."""
    side, colour = (1.0 if rng.random() < 0.5 else -1.0), int(rng.integers(len(_COLOURS)))
    parting, length, wave = rng.uniform(0.06, 0.14), rng.uniform(0.58, 0.82), rng.uniform(0.0, 0.014)
    # The sweep over the forehead and the eye, and what falls from the parting to the other temple.
    drawn = [(_sweep(n, parting, length, rng), _temple(n // 3, parting, rng)) for n in (_LOCKS, _STRANDS)]
    locks, strands = (_placed(face, np.concatenate(parts), side, wave, rng) for parts in drawn)
    layer = Layer(photo, face, np.concatenate([locks, strands]).reshape(-1, 2))
    along = np.linspace(0, 1, _STEPS)
    taper = np.minimum(1, 0.3 + 3 * along) * (1 - along**3) ** 0.7
    for width, curves, spread, shade in ((0.03, locks, 0.1, 0.7), (0.0075, strands, 0.3, 1.0)):
        outlines = ribbon(curves, width / 2 * taper * rng.uniform(0.6, 1.2, (len(curves), 1)))
        bright = shade * (1 + spread * rng.standard_normal((len(outlines), 1)))
        # Even black hair has a sheen: what is brighter is also greyer.
        layer.fills(outlines, bright * _COLOURS[colour] + 0.08 * np.maximum(bright - 1, 0))
    layer.shade(_gloss(layer, face))
    return layer.over({"side": side, "colour": colour, "parting": parting, "length": length, "wave": wave})


def _sweep(n: int, parting: float, length: float, rng: np.random.Generator) -> Float64[np.ndarray, "n steps 2"]:
    """Strands from the parting, at -`parting`, over the forehead and down past the eye at x > 0."""
    # 0 falls back beside the ear, 1 hangs farthest over the face: towards the nose.
    place, jitter = rng.uniform(0, 1, n), rng.standard_normal((n, 4))
    root = np.stack([-parting + 0.02 * jitter[:, 0], -0.10 + 0.13 * place + 0.01 * jitter[:, 1]], axis=1)
    lift = np.stack([root[:, 0] + 0.16 - 0.04 * place, -0.20 + 0.22 * place + 0.01 * jitter[:, 1]], axis=1)
    end = np.stack(
        [0.37 - 0.30 * place**1.5 + 0.02 * jitter[:, 2], length - 0.22 * place**2 + 0.06 * jitter[:, 3]], axis=1
    )
    over = np.stack([end[:, 0] + 0.05 + 0.02 * jitter[:, 0], 0.08 + 0.22 * place], axis=1)
    return bezier(root, lift, over, end, _STEPS)


def _temple(n: int, parting: float, rng: np.random.Generator) -> Float64[np.ndarray, "n steps 2"]:
    """Strands from the parting down the other side of the forehead, at x < 0."""
    place, jitter = rng.uniform(0, 1, n), rng.standard_normal((n, 4))
    root = np.stack([-parting + 0.01 * jitter[:, 0], -0.10 + 0.11 * place + 0.01 * jitter[:, 1]], axis=1)
    lift = np.stack([root[:, 0] - 0.09 + 0.03 * place, -0.14 + 0.16 * place], axis=1)
    end = np.stack([-0.38 + 0.06 * place + 0.012 * jitter[:, 2], 0.5 - 0.1 * place + 0.05 * jitter[:, 3]], axis=1)
    over = np.stack([end[:, 0] + 0.01 * jitter[:, 0], 0.08 + 0.13 * place], axis=1)
    return bezier(root, lift, over, end, _STEPS)


def _placed(
    face: Face, curves: Float64[np.ndarray, "n steps 2"], side: float, wave: float, rng: np.random.Generator
) -> Float64[np.ndarray, "n steps 2"]:
    """Curves around the middle of the mean face, waved, before this face; mirrored where `side` is -1."""
    along = np.linspace(0, 1, _STEPS)
    ripple = wave * along * np.sin(rng.uniform(0, 0.8, (len(curves), 1)) + 2.5 * np.pi * along)
    points = np.stack([0.5 + side * (curves[..., 0] + ripple), curves[..., 1]], axis=-1)
    return transform(points.reshape(-1, 2), face.turned).reshape(points.shape)


def _gloss(layer: Layer, face: Face) -> Float32[np.ndarray, "h w"]:
    """A band of light where the head is roundest, and dark towards the ends."""
    _, y = layer.grid()
    brow = float(face.points[17:27, 1].mean())
    return 0.9 + 0.5 * np.exp(-(((y - brow + 0.16) / 0.09) ** 2)) - 0.15 * ((y - brow) / 0.4).clip(0, 1)
