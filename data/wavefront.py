"""Wavefront OBJ files: polygons, texture coordinates, colours at the vertices, the texture's file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int64

_NONE = -1
"""Index of what a corner or a face does not have."""
_OUT_OF_RANGE = 2**40
"""Index of what lies before the first."""


@dataclass(frozen=True, eq=False)
class WavefrontMesh:
    """An OBJ file as it is written, its polygons cut into triangles; indices may be out of range."""

    vertices: Float[np.ndarray, "v 3"]
    colours: Float[np.ndarray, "v 3"] | None
    """As written, if every vertex has one."""
    uvs: Float[np.ndarray, "t 2"]
    faces: Int64[np.ndarray, "f 3"]
    uv_faces: Int64[np.ndarray, "f 3"]
    """-1 at corners without texture coordinates."""
    textures: tuple[Path, ...]
    """Images of the materials in use, the one with most polygons first."""
    texture_of_face: Int64[np.ndarray, "f"]
    """Index into `textures`, -1 for none."""


def parse_obj(path: Path) -> WavefrontMesh:
    """Read an OBJ file: polygons of any size (cut as fans), relative indices, colours of vertices, materials.

    Lines of other kinds (normals, groups, curves) are passed over.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line of coordinates or of a polygon is not what the format asks for; the message names it.
    """
    vertices: list[list[float]] = []
    uvs: list[tuple[float, float]] = []
    corners: list[bytes] = []
    polygons: list[tuple[int, int, int]] = []
    material, materials = b"", []
    libraries: list[str] = []
    for number, line in enumerate(path.read_bytes().replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").split(b"\n"), 1):
        fields = line.split()
        kind = fields[0] if fields else b""
        try:
            if kind == b"v":
                vertices.append(list(map(float, fields[1:])))
            elif kind == b"vt":
                uvs.append((float(fields[1]), float(fields[2])))
            elif kind == b"f":
                corners += fields[1:]
                polygons.append((len(fields) - 1, len(vertices), len(uvs)))
                materials.append(material)
            elif kind == b"usemtl":
                material = line.strip()[6:].strip()
            elif kind == b"mtllib":
                libraries.append(line.strip()[6:].strip().decode(errors="replace"))
        except (ValueError, IndexError):
            shown = line.strip()[:60].decode(errors="replace")
            raise ValueError(f"line {number} is not understood: {shown!r}") from None
    xyz, colours = _coordinates(vertices)
    sizes, *counts = np.array(polygons, np.int64).reshape(-1, 3).T
    indices = _indices(corners, np.repeat(np.stack(counts, axis=1), sizes, axis=0))
    triangle, polygon = _fans(sizes)
    images = [image for library in libraries for image in _images(path.parent / library).items()]
    textures, texture_of_face = _textures(materials, dict(images), polygon)
    return WavefrontMesh(
        vertices=xyz,
        colours=colours,
        uvs=np.array(uvs, np.float64).reshape(-1, 2),
        faces=indices[triangle, 0],
        uv_faces=indices[triangle, 1],
        textures=textures,
        texture_of_face=texture_of_face,
    )


def _indices(corners: list[bytes], counts: Int64[np.ndarray, "c 2"]) -> Int64[np.ndarray, "c 2"]:
    """Of each corner, written v, v/t, v//n or v/t/n, the indices of its vertex and texture coordinates, from zero.

    They are written from one, or backwards from the last of the ``counts`` vertices and coordinates that precede.
    """
    # A corner is written as often as it has polygons: each way of writing is taken apart once.
    place = {corner: number for number, corner in enumerate(dict.fromkeys(corners))}
    distinct = np.array([_numbers(corner) for corner in place], np.int64).reshape(-1, 2)
    written = distinct[np.fromiter(map(place.__getitem__, corners), np.int64, len(corners))]
    absolute = np.where(written < 0, written + counts, written - 1)
    return np.where((written < 0) & (absolute < 0), _OUT_OF_RANGE, absolute)


def _numbers(corner: bytes) -> tuple[int, int]:
    """The two indices as written, 0 for one that is not."""
    vertex, uv, *_ = *corner.split(b"/"), b""
    try:
        return int(vertex), int(uv or 0)
    except ValueError:
        raise ValueError(f"the corner {corner.decode(errors='replace')!r} of a face is not understood") from None


def _coordinates(
    rows: list[list[float]],
) -> tuple[Float[np.ndarray, "v 3"], Float[np.ndarray, "v 3"] | None]:
    """Positions, and colours where six numbers or more (x y z r g b) are in every row."""
    if not rows:
        return np.zeros((0, 3)), None
    width = min(map(len, rows))
    if width < 3:
        raise ValueError("a vertex has fewer than three coordinates")
    table = np.array([row[:width] for row in rows])
    return table[:, :3], table[:, 3:6] if table.shape[1] >= 6 else None


def _fans(sizes: Int64[np.ndarray, "p"]) -> tuple[Int64[np.ndarray, "f 3"], Int64[np.ndarray, "f"]]:
    """Triangles of polygons with these numbers of corners: indices into the list of all corners, and whose they are."""
    triangles_of = np.maximum(sizes - 2, 0)
    polygon = np.repeat(np.arange(len(sizes)), triangles_of)
    first = (np.cumsum(sizes) - sizes)[polygon]
    step = np.arange(len(polygon)) - (np.cumsum(triangles_of) - triangles_of)[polygon]
    return np.stack([first, first + step + 1, first + step + 2], axis=1), polygon


def _images(library: Path) -> dict[bytes, Path]:
    """Image of each material's diffuse colour; nothing for a library that is not there."""
    try:
        lines = library.read_bytes().split(b"\n")
    except OSError:
        return {}
    images: dict[bytes, Path] = {}
    material = b""
    for line in lines:
        kind, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
        if kind.lower() == b"newmtl":
            material = rest.strip()
        elif kind.lower() == b"map_kd":
            images[material] = _image_file(library.parent, rest.strip().decode(errors="replace"))
    return images


def _image_file(folder: Path, statement: str) -> Path:
    """The file that map_Kd names: the whole of it, or, where options precede, its last word."""
    name = statement.replace("\\", "/")
    whole = folder / name
    return whole if whole.is_file() or " " not in name else folder / name.split()[-1]


def _textures(
    materials: list[bytes], images: dict[bytes, Path], polygon: Int64[np.ndarray, "f"]
) -> tuple[tuple[Path, ...], Int64[np.ndarray, "f"]]:
    used = Counter(images[material] for material in materials if material in images)
    order = {image: index for index, (image, _) in enumerate(used.most_common())}
    of_polygon = np.array([order[images[m]] if m in images else _NONE for m in materials], np.int64)
    return tuple(order), of_polygon[polygon]
