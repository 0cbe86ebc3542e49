"""The heads that the invented people are drawn from: ICT-FaceKit's, or the open model's bent out of their span."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int64, UInt8

from data.morphable.ict_facekit import PARTS, IctFaceKit

FACE = PARTS.index("face")
_BENDS = 24
"""Number of directions in which a head of the open model may leave its span."""
_BEND_WIDTH = 25.0
"""mm: standard deviation of the bell-shaped bumps that they are made of."""
_BUMPS = 40
_BEND_RMS = 2.0
"""mm: root mean square distance between a head and its nearest in the span."""


@dataclass(frozen=True, eq=False)
class HeadModel:
    """Shapes in mm, in the model frame: mean + identity coefficients in sigmas + expression weights.

    Attributes:
        name: "ict" or "open". sha256: of the file or folder behind it.
        mean: (V, 3). identity: (ns, V, 3). expression: (ne, V, 3).
        expression_names: of ICT-FaceKit's, whose weights are in [0, 1]; () where they are in standard deviations.
        faces: (F, 3). parts: (V,) indices into `ict_facekit.PARTS`. landmarks: (68,) vertices.
    """

    name: str
    sha256: str
    mean: Float32[np.ndarray, "v 3"]
    identity: Float32[np.ndarray, "ns v 3"]
    expression: Float32[np.ndarray, "ne v 3"]
    expression_names: tuple[str, ...]
    faces: Int64[np.ndarray, "f 3"]
    parts: UInt8[np.ndarray, " v"]
    landmarks: Int64[np.ndarray, "68"]

    def __call__(
        self, identity: Float[np.ndarray, " ns"], expression: Float[np.ndarray, " ne"]
    ) -> Float[np.ndarray, "v 3"]:
        """Vertices in mm."""
        bent = np.tensordot(identity, self.identity, 1) + np.tensordot(expression, self.expression, 1)
        return self.mean + bent


def head_of_ict(model: IctFaceKit) -> HeadModel:
    """ICT-FaceKit's: scanned people's shapes, which no open model of ours has seen."""
    return HeadModel(
        "ict",
        model.sha256,
        model.mean,
        model.identity,
        model.expression,
        model.names,
        model.faces,
        model.parts,
        model.landmarks,
    )


def head_of_open(
    mean: Float32[np.ndarray, "v 3"],
    identity: Float32[np.ndarray, "ns v 3"],
    expression: Float32[np.ndarray, "ne v 3"],
    faces: Int64[np.ndarray, "f 3"],
    landmarks: Int64[np.ndarray, "68"],
    sha256: str,
) -> HeadModel:
    """The open model's, with further identity modes that it does not span, as no model spans all people.

    They are sums of bumps of random direction, less what the model's own modes can make of them, the same for every
    dataset.
    """
    generator = np.random.default_rng(20)
    centres = mean[generator.choice(len(mean), (_BENDS, _BUMPS))]
    near = np.exp(-((mean[None, None] - centres[:, :, None]) ** 2).sum(-1) / (2 * _BEND_WIDTH**2))
    bends = np.einsum("bkv,bkc->bvc", near, generator.standard_normal((_BENDS, _BUMPS, 3))).reshape(_BENDS, -1)
    span = np.linalg.qr(identity.reshape(len(identity), -1).astype(np.float64).T)[0]
    bends -= (bends @ span) @ span.T
    # Drawn from N(0, 1) each, all together they have this root mean square.
    bends *= _BEND_RMS * np.sqrt(len(mean) / _BENDS) / np.linalg.norm(bends, axis=1, keepdims=True)
    modes = np.concatenate([identity, bends.reshape(_BENDS, -1, 3)]).astype(np.float32)
    parts = np.full(len(mean), FACE, np.uint8)
    return HeadModel("open", sha256, mean, modes, expression, (), faces, parts, landmarks)
