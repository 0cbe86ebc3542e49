"""Scans of faces: meshes as scanners leave them, and files of landmarks on them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, UInt8
from PIL import Image

from data.wavefront import parse_obj
from ganfit_core.mesh import Mesh, Surface

N_LANDMARKS = 68

# Diagonals of what a scanner may show, from a face alone to head and shoulders, with room; in the file's own unit.
_UNITS = {
    "metres": (0.08, 1.0),
    "decimetres": (1.0, 8.0),  # also the unit of the templates that the authors of GANFIT register
    "centimetres": (8.0, 80.0),
    "millimetres": (80.0, 2000.0),
    "micrometres": (80_000.0, 2_000_000.0),
}
_INNER_PERCENT = (1, 99)
"""The extent is that of the vertices between these percentiles of each axis: a few stray points must not set it."""


class ScanError(ValueError):
    """A file that is no usable scan, or no landmarks of one; the message is one line that names the file."""


@dataclass(frozen=True, eq=False)
class ScanMesh:
    """A scan that was read.

    Attributes:
        surface: float64 millimetres, in the scanner's frame; a `Mesh`, with texture coordinates, if there is a texture.
        colours: RGB of the vertices, if they have their own.
        texture: the image that the texture coordinates refer to.
        notes: what was repaired or left out, one sentence each.
    """

    surface: Surface
    colours: UInt8[np.ndarray, "v 3"] | None
    texture: UInt8[np.ndarray, "h w 3"] | None
    notes: tuple[str, ...]


def read_scan(path: Path) -> ScanMesh:
    """Read a scan (.obj or .ply) and drop what no measure can use: see `ScanMesh.notes`.

    Vertices with coordinates that are not finite go, with their faces; so do faces of vertices that are not there,
    faces without area, and vertices without a face. Nothing else is changed, and nothing is ever scaled.

    Raises:
        ScanError: the file cannot be read, is no mesh, is empty, has no faces, or is by its size not in millimetres.
    """
    notes: list[str] = []
    match path.suffix.lower():
        case ".obj":
            scan = _read_obj(path, notes)
        case ".ply":
            scan = _read_ply(path)
        case _:
            raise ScanError(f"{path}: scans are read from .obj and .ply")
    if not len(scan.vertices):
        raise ScanError(f"{path}: empty, or not a mesh: it has no vertices")
    if not len(scan.faces):
        raise ScanError(f"{path}: has no faces; a cloud of points is no surface")
    cleaned = _clean(scan, notes)
    if not len(cleaned.faces):
        raise ScanError(f"{path}: none of its faces is usable ({'; '.join(notes)})")
    _check_unit(path, cleaned.vertices)
    return _finished(cleaned, notes)


def read_ljson(path: Path) -> Float[np.ndarray, "68 3"]:
    """Landmarks of a scan in menpo's LJSON (versions 2 and 3), in the scan's frame; NaN for those that were not set.

    Raises:
        ScanError: the file cannot be read, is no such file, or does not hold 68 points in three dimensions.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError:
        raise ScanError(f"{path}: not a JSON file") from None
    try:
        points = _group(content)["landmarks"]["points"]
        rows = [[np.nan] * 3 if point is None else point for point in points]
        table = np.array(rows, np.float64)  # None among the coordinates becomes NaN
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration):
        raise ScanError(f"{path}: not landmarks in the LJSON format") from None
    if table.shape != (N_LANDMARKS, 3):
        raise ScanError(f"{path}: {N_LANDMARKS} landmarks of 3 coordinates are expected, not {len(points)}")
    table[~np.isfinite(table).all(axis=1)] = np.nan
    return table


def _group(content: Any) -> Any:
    """Version 3 has named groups, of which menpo's own is LJSON; before, a file was one group."""
    if "groups" not in content:
        return content
    groups = content["groups"]
    return groups["LJSON"] if "LJSON" in groups else next(iter(groups.values()))


@dataclass(frozen=True, eq=False)
class _Raw:
    """A mesh before its repair."""

    vertices: Float[np.ndarray, "v 3"]
    faces: Int64[np.ndarray, "f 3"]
    colours: UInt8[np.ndarray, "v 3"] | None = None
    uvs: Float[np.ndarray, "t 2"] | None = None
    uv_faces: Int64[np.ndarray, "f 3"] | None = None
    texture: UInt8[np.ndarray, "h w 3"] | None = None


def _read_obj(path: Path, notes: list[str]) -> _Raw:
    try:
        parsed = parse_obj(path)
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ScanError(f"{path}: not a mesh: {error}") from None
    colours = None if parsed.colours is None else _eight_bits(parsed.colours)
    texture = None
    if parsed.textures and len(parsed.uvs):
        texture = _read_texture(parsed.textures[0], notes)
    if texture is None:
        return _Raw(parsed.vertices, parsed.faces, colours)
    # Corners without a place on the image get one that was added for them: their colour is arbitrary.
    nowhere = len(parsed.uvs)
    uvs = np.concatenate([parsed.uvs, np.zeros((1, 2))])
    known = (parsed.uv_faces >= 0) & (parsed.uv_faces < nowhere) & (parsed.texture_of_face == 0)[:, None]
    if lost := int((~known.all(axis=1)).sum()):
        notes.append(f"faces without a place on the texture {parsed.textures[0].name}: {lost}")
    return _Raw(parsed.vertices, parsed.faces, colours, uvs, np.where(known, parsed.uv_faces, nowhere), texture)


def _read_texture(path: Path, notes: list[str]) -> UInt8[np.ndarray, "h w 3"] | None:
    try:
        with Image.open(path) as image:
            return np.array(image.convert("RGB"))
    except Exception:  # plugins raise anything at all on damaged files; the shape is usable without
        notes.append(f"the texture {path.name} cannot be read")
        return None


def _read_ply(path: Path) -> _Raw:
    import trimesh  # a tenth of a second that OBJ files need not spend

    try:
        with path.open("rb") as file:
            loaded: Any = trimesh.load(file, file_type="ply", process=False)
        vertices = np.asarray(loaded.vertices, np.float64).reshape(-1, 3)
        faces = np.asarray(getattr(loaded, "faces", ()), np.int64).reshape(-1, 3)
        coloured = len(faces) and loaded.visual.kind == "vertex"
        colours = np.array(loaded.visual.vertex_colors[:, :3], np.uint8) if coloured else None
    except OSError as error:
        raise ScanError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception:  # trimesh raises anything at all on damaged files
        raise ScanError(f"{path}: not a mesh, or damaged") from None
    return _Raw(vertices, faces, colours)


def _eight_bits(colours: Float[np.ndarray, "v 3"]) -> UInt8[np.ndarray, "v 3"]:
    """OBJ files hold colours in [0, 1] or, by other writers, in [0, 255]."""
    finite = np.nan_to_num(colours, posinf=0, neginf=0)
    white = 1.0 if finite.max(initial=0) <= 1.0 else 255.0
    return np.rint(np.clip(finite / white, 0, 1) * 255).astype(np.uint8)


def _clean(scan: _Raw, notes: list[str]) -> _Raw:
    faces, vertices = scan.faces, scan.vertices
    kept = np.arange(len(faces))

    def note(count: int, what: str) -> None:
        if count:
            notes.append(f"{what}: {count} dropped")

    def keep(good: Bool[np.ndarray, "k c"], why: str) -> None:
        nonlocal kept
        chosen = np.flatnonzero(good.all(axis=1))
        note(len(good) - len(chosen), f"faces {why}")
        kept = kept[chosen]

    finite = np.isfinite(vertices).min(axis=1)
    note(int((~finite).sum()), "vertices whose coordinates are not finite")
    keep((faces >= 0) & (faces < len(vertices)), "of vertices that are not there")
    keep(finite[faces[kept]], "of vertices that are not finite")
    a, b, c = vertices[faces[kept]].transpose(1, 0, 2)
    keep(np.linalg.norm(np.cross(b - a, c - a), axis=1, keepdims=True) > 0, "without area")

    used = np.zeros(len(vertices), bool)
    used[faces[kept]] = True
    note(int((~used & finite).sum()), "vertices without a face")
    new_index = np.cumsum(used) - 1
    return _Raw(
        vertices[used],
        new_index[faces[kept]],
        None if scan.colours is None else scan.colours[used],
        scan.uvs,
        None if scan.uv_faces is None else scan.uv_faces[kept],
        scan.texture,
    )


def _check_unit(path: Path, vertices: Float[np.ndarray, "v 3"]) -> None:
    low, high = np.percentile(vertices, _INNER_PERCENT, axis=0)
    diagonal = float(np.linalg.norm(high - low))
    unit = next((name for name, (least, most) in _UNITS.items() if least <= diagonal < most), None)
    if unit != "millimetres":
        seen = f"seems to be in {unit}" if unit else "is no face in any unit"
        raise ScanError(
            f"{path}: measures {diagonal:.4g} from corner to corner and {seen}; millimetres are expected, and "
            "nothing is scaled here: convert it first"
        )


def _finished(scan: _Raw, notes: list[str]) -> ScanMesh:
    surface = Surface(scan.vertices, scan.faces)
    if scan.uvs is not None and scan.uv_faces is not None:
        surface = Mesh(scan.vertices, scan.faces, scan.uvs.astype(np.float32), scan.uv_faces)
    return ScanMesh(surface, scan.colours, scan.texture, tuple(notes))
