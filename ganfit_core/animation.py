"""A talking head as one file: binary glTF with morph targets, whose weights follow the video.

The expressions of a video need few modes; those are taken, so that viewers that admit few morph targets show it too.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, UInt8

from ganfit_core.export import METRES_PER_MILLIMETRE, replace_bytes, split_seams
from ganfit_core.mesh import Mesh
from ganfit_core.shading import vertex_normals

TOLERANCE = 0.03
"""mm, root mean square over the face and all frames, by which the animation may miss the tracked vertices."""

# Of the glTF 2.0 specification.
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942
_FLOAT, _UNSIGNED_INT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963


class Morphs(NamedTuple):
    """Expressions as a base shape and some targets added to it."""

    base: Float64[np.ndarray, "v 3"]
    """mm: the mean over the frames."""
    targets: Float64[np.ndarray, "m v 3"]
    """mm."""
    weights: Float64[np.ndarray, "t m"]
    """Of every frame, the largest of each target 1 in absolute value."""


def reduce_expressions(
    neutral: Float[np.ndarray, "v 3"],
    basis: Float[np.ndarray, "ne v 3"],
    expression: Float[np.ndarray, "t ne"],
    face: Bool[np.ndarray, "v"],
    tolerance: float = TOLERANCE,
) -> Morphs:
    """The fewest targets (principal components over the face's vertices) that keep the tracked shapes.

    Args:
        neutral: the person's shape without expression, mm.
        basis: expression modes, mm per standard deviation.
        expression: p_e of every frame.
        face: the vertices that count.
        tolerance: root mean square over these vertices and all frames, mm.
    """
    basis, expression = basis.astype(np.float64), expression.astype(np.float64)
    mean = expression.mean(axis=0)
    on_face = basis[:, face].reshape(len(basis), -1)
    # Lengths in coefficients become lengths in mm: with G = L L', |C L| is the length of the shapes C.
    gram = on_face @ on_face.T / face.sum()
    root = np.linalg.cholesky(gram + 1e-12 * np.trace(gram) * np.eye(len(gram)))
    u, s, vt = np.linalg.svd((expression - mean) @ root, full_matrices=False)
    left_out = np.sqrt(np.append(np.cumsum(s[::-1] ** 2)[::-1], 0.0) / len(expression))
    count = int(np.argmax(left_out <= tolerance))
    weights = u[:, :count] * s[:count]
    scale = np.abs(weights).max(axis=0, initial=1e-12)
    modes = np.linalg.solve(root.T, vt[:count].T).T * scale[:, None]
    return Morphs(neutral + np.tensordot(mean, basis, 1), np.tensordot(modes, basis, 1), weights / scale)


def write_animation(
    path: Path,
    mesh: Mesh,
    texture: UInt8[np.ndarray, "h w 3"],
    morphs: Morphs,
    times: Float[np.ndarray, "t"],
) -> None:
    """Write a binary glTF 2.0 file: a textured head in metres whose expression follows the video.

    A frame's weights hold until those of the next: nothing is made up in between, nor where the video shows no face.

    Args:
        mesh: topology and texture coordinates; its vertices are not used.
        morphs: as `reduce_expressions` gives them.
        times: of the frames, seconds, increasing.
    """
    position_of, uv_of, triangles = split_seams(mesh)
    vertices, faces = torch.from_numpy(morphs.base)[None], torch.from_numpy(mesh.faces)
    normals = vertex_normals(vertices, faces)[0].numpy()
    _, png = cv2.imencode(".png", texture[..., ::-1])
    buffer = _Buffer()
    attributes = {
        "POSITION": buffer.add(morphs.base[position_of] * METRES_PER_MILLIMETRE, _VERTICES, bounds=True),
        "NORMAL": buffer.add(normals[position_of], _VERTICES),
        # glTF counts from the top of the texture.
        "TEXCOORD_0": buffer.add(mesh.uvs[uv_of] * [1, -1] + [0, 1], _VERTICES),
    }
    targets = [
        {"POSITION": buffer.add(target[position_of] * METRES_PER_MILLIMETRE, _VERTICES, bounds=True)}
        for target in morphs.targets
    ]
    indices = buffer.add(triangles.reshape(-1), _INDICES)
    primitive: dict[str, Any] = {"attributes": attributes, "indices": indices, "material": 0}
    shape: dict[str, Any] = {"primitives": [primitive]}
    document: dict[str, Any] = {
        "asset": {"version": "2.0", "generator": "ganfit"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "face"}],
        "meshes": [shape],
        "materials": [
            {
                "name": "face",
                "pbrMetallicRoughness": {
                    "baseColorTexture": {"index": 0},
                    "metallicFactor": 0.0,
                    "roughnessFactor": 1.0,
                },
            }
        ],
        "textures": [{"source": 0}],
        "images": [{"bufferView": buffer.view(png.tobytes()), "mimeType": "image/png"}],
    }
    if targets:
        primitive["targets"] = targets
        shape["weights"] = morphs.weights[0].tolist()
        shape["extras"] = {"targetNames": [f"expression {number}" for number in range(len(targets))]}
        sampler = {
            "input": buffer.add(times - times[0], bounds=True),
            "output": buffer.add(morphs.weights.reshape(-1)),
            "interpolation": "STEP",
        }
        channel = {"sampler": 0, "target": {"node": 0, "path": "weights"}}
        document["animations"] = [{"name": "video", "samplers": [sampler], "channels": [channel]}]
    replace_bytes(path, buffer.glb(document))


class _Buffer:
    """The binary part of a file as it grows, with the views and accessors into it."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._views: list[dict[str, int]] = []
        self._accessors: list[dict[str, Any]] = []

    def view(self, content: bytes, target: int | None = None) -> int:
        """Append bytes; index of their view."""
        self._bytes += bytes(-len(self._bytes) % 4)
        view = {"buffer": 0, "byteOffset": len(self._bytes), "byteLength": len(content)}
        self._views.append(view if target is None else {**view, "target": target})
        self._bytes += content
        return len(self._views) - 1

    def add(self, values: np.ndarray, target: int | None = None, bounds: bool = False) -> int:
        """Append numbers, whole ones as indices and others as floats; index of their accessor."""
        whole = values.dtype.kind in "iu"
        values = np.ascontiguousarray(values, np.uint32 if whole else np.float32)
        accessor = {
            "bufferView": self.view(values.tobytes(), target),
            "componentType": _UNSIGNED_INT if whole else _FLOAT,
            "count": len(values),
            "type": "SCALAR" if values.ndim == 1 else f"VEC{values.shape[1]}",
        }
        if bounds:
            rows = values.reshape(len(values), -1)
            accessor |= {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def glb(self, document: dict[str, Any]) -> bytes:
        """The file with this document, completed by what the buffer holds."""
        binary = bytes(self._bytes) + bytes(-len(self._bytes) % 4)
        document |= {"buffers": [{"byteLength": len(binary)}], "bufferViews": self._views, "accessors": self._accessors}
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = (
            struct.pack("<II", len(text), _JSON_CHUNK) + text + struct.pack("<II", len(binary), _BINARY_CHUNK) + binary
        )
        return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks
