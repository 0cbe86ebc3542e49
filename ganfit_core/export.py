"""Writing a reconstruction for other programs: GLB, OBJ and a parameter file.

A file is replaced as a whole: it is written beside its place and renamed, so that nothing half-written is
found.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Float32, Int, UInt8
from PIL import Image

from ganfit_core.mesh import Mesh

if TYPE_CHECKING:
    from ganfit_core.fitting import FitResult

METRES_PER_MILLIMETRE = 1e-3
# A picture of a fit takes 15 ms rather than 50 (zlib's default, 6), and a fifth more bytes.
_PNG_LEVEL = 1


def write_glb(path: Path, mesh: Mesh, texture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write one binary glTF 2.0 file: positions in metres, normals, UVs, and the texture embedded as PNG.

    The material is rough and non-metallic, so that viewers show the albedo without highlights. Vertices on
    UV seams are split, as glTF has one index per corner; their normals stay those of the unsplit surface.
    """
    import trimesh  # a tenth of a second that programs which only fit need not spend

    position_of, uv_of, triangles = split_seams(mesh)
    material = trimesh.visual.material.PBRMaterial(
        name="face",
        baseColorTexture=Image.fromarray(texture),
        baseColorFactor=[255, 255, 255, 255],
        metallicFactor=0.0,
        roughnessFactor=1.0,
    )
    exported = trimesh.Trimesh(
        vertices=mesh.vertices[position_of].astype(np.float64) * METRES_PER_MILLIMETRE,
        faces=triangles,
        vertex_normals=_vertex_normals(mesh)[position_of],
        visual=trimesh.visual.TextureVisuals(uv=mesh.uvs[uv_of], material=material),
        process=False,
    )
    replace_bytes(path, trimesh.exchange.gltf.export_glb(trimesh.Scene(exported), include_normals=True))


def write_obj(path: Path, mesh: Mesh, texture: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write ``path`` (.obj, in millimetres) with its material (.mtl) and texture (.png) beside it.

    Positions and UVs keep their own indices. The three files share their stem.
    """
    stem = path.stem
    corners = np.stack([mesh.faces, mesh.uv_faces], axis=-1) + 1  # OBJ counts from one
    content = "".join(
        [
            "# units: millimetres; +x to the subject's left, +y up, +z out of the face\n",
            f"mtllib {stem}.mtl\n",
            _lines("v %.5f %.5f %.5f\n", mesh.vertices),
            _lines("vt %.6f %.6f\n", mesh.uvs),
            "usemtl face\n",
            _lines("f %d/%d %d/%d %d/%d\n", corners),
        ]
    )
    material = ["newmtl face", "Ka 1 1 1", "Kd 1 1 1", "Ks 0 0 0", "illum 1", f"map_Kd {stem}.png"]
    write_png(path.with_suffix(".png"), texture)
    replace_bytes(path.with_suffix(".mtl"), ("\n".join(material) + "\n").encode())
    replace_bytes(path, content.encode())


def write_parameters(
    path: Path,
    result: FitResult,
    landmarks: Float32[np.ndarray, "68 2"],
    crop_matrix: Float[np.ndarray, "2 3"],
    metadata: Mapping[str, Any],
) -> None:
    """Write what was fitted as ``.npz``, readable by ``numpy.load`` without pickle.

    Arrays: identity, expression, texture, camera, light (p_s, p_e, p_t, p_c, p_l); landmarks (68, 2) in
    crop pixels; crop_matrix (2, 3), photo pixels -> crop pixels; history_TERM, one value per iteration.
    ``metadata`` is a JSON text: the final terms, iterations, convergence and what the caller adds.
    """
    record = {
        "units": "mm; coefficients in standard deviations",
        "losses": {name: float(value) for name, value in result.losses.items()},
        "iterations": int(result.iterations),
        "converged": bool(result.converged),
        **metadata,
    }
    arrays = {
        "identity": result.identity,
        "expression": result.expression,
        "texture": result.texture,
        "camera": result.camera,
        "light": result.light,
        "landmarks": landmarks,
        "crop_matrix": crop_matrix,
        "metadata": np.array(json.dumps(record, sort_keys=True)),
        **{f"history_{term}": values for term, values in result.history.items()},
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    replace_bytes(path, buffer.getvalue())


def write_png(path: Path, image: UInt8[np.ndarray, "h w 3"]) -> None:
    """Write an RGB image as PNG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, format="PNG", compress_level=_PNG_LEVEL)
    replace_bytes(path, buffer.getvalue())


def split_seams(
    mesh: Mesh,
) -> tuple[Int[np.ndarray, "n"], Int[np.ndarray, "n"], Int[np.ndarray, "f 3"]]:
    """One vertex per pair of position and UV: its position, its UV, and triangles over the new vertices."""
    pairs = mesh.faces * len(mesh.uvs) + mesh.uv_faces  # as one number each: sorted ten times faster than rows
    unique, inverse = np.unique(pairs, return_inverse=True)
    return *np.divmod(unique, len(mesh.uvs)), inverse.reshape(-1, 3)


def replace_bytes(path: Path, content: bytes) -> None:
    """Give ``path`` this content at once, making its folder. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _lines(pattern: str, rows: Float[np.ndarray, "n *k"] | Int[np.ndarray, "n *k"]) -> str:
    """The pattern filled with each row: one formatting for all, as many small strings are slow."""
    return (pattern * len(rows)) % tuple(rows.ravel().tolist())


def _vertex_normals(mesh: Mesh) -> Float[np.ndarray, "v 3"]:
    """Unit normals: cross products of the triangles, which weigh by area, summed at their corners."""
    corners = mesh.vertices.astype(np.float64)[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.zeros((len(mesh.vertices), 3))
    for corner in range(3):
        np.add.at(summed, mesh.faces[:, corner], normals)
    return summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
