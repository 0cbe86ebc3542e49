"""Reading scans and their landmarks: repairs that are told, errors of one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from data.scans import ScanError, read_ljson, read_scan
from ganfit_core.mesh import Mesh, Surface

SIDE = 12


def patch(millimetres: float = 200.0) -> Surface:
    """A bent square."""
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, SIDE), np.linspace(-0.5, 0.5, SIDE))
    points = np.stack([x, y, -(x**2)], axis=-1).reshape(-1, 3) * millimetres
    index = np.arange(SIDE**2).reshape(SIDE, SIDE)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    return Surface(points, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]))


def write_obj(path: Path, surface: Surface, colours: np.ndarray | None = None, textured: bool = False) -> Path:
    rows = surface.vertices if colours is None else np.hstack([surface.vertices, colours])
    lines = ["mtllib scan.mtl", "usemtl skin"] if textured else []
    lines += ["v " + " ".join(f"{value:.9g}" for value in row) for row in rows]
    if textured:
        low, high = surface.vertices[:, :2].min(), surface.vertices[:, :2].max()
        lines += [f"vt {u:.6f} {v:.6f}" for u, v in (surface.vertices[:, :2] - low) / (high - low)]
    corner = "{0}/{0}" if textured else "{0}"
    lines += ["f " + " ".join(corner.format(index + 1) for index in face) for face in surface.faces]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_sound_scan_is_left_as_it_is(tmp_path: Path) -> None:
    scan = read_scan(write_obj(tmp_path / "scan.obj", patch()))
    np.testing.assert_allclose(scan.surface.vertices, patch().vertices, atol=1e-6)
    np.testing.assert_array_equal(scan.surface.faces, patch().faces)
    assert scan.surface.vertices.dtype == np.float64
    assert scan.notes == ()
    assert scan.colours is None
    assert scan.texture is None
    assert not isinstance(scan.surface, Mesh)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_colours_of_vertices_survive_the_repair(white: float, tmp_path: Path) -> None:
    surface = patch()
    colours = np.random.default_rng(0).integers(0, 256, (SIDE**2, 3))
    lonely = np.concatenate([[[1.0, 2.0, 3.0]], surface.vertices])
    shown = np.concatenate([[[255, 255, 255]], colours])
    path = write_obj(tmp_path / "scan.obj", Surface(lonely, surface.faces + 1), shown / 255 * white)
    scan = read_scan(path)
    assert scan.notes == ("vertices without a face: 1 dropped",)
    np.testing.assert_array_equal(scan.colours, colours)


def test_ply(tmp_path: Path) -> None:
    surface = patch()
    colours = np.random.default_rng(0).integers(0, 256, (SIDE**2, 4)).astype(np.uint8)
    path = tmp_path / "scan.ply"
    trimesh.Trimesh(surface.vertices, surface.faces, vertex_colors=colours, process=False).export(path)
    scan = read_scan(path)
    np.testing.assert_allclose(scan.surface.vertices, surface.vertices, atol=1e-4)
    np.testing.assert_array_equal(scan.surface.faces, surface.faces)
    np.testing.assert_array_equal(scan.colours, colours[:, :3])
    assert read_scan(export(tmp_path / "bare.ply", surface)).colours is None


def export(path: Path, surface: Surface) -> Path:
    trimesh.Trimesh(surface.vertices, surface.faces, process=False).export(path)
    return path


def test_texture(tmp_path: Path) -> None:
    path = write_obj(tmp_path / "scan.obj", patch(), textured=True)
    (tmp_path / "scan.mtl").write_text("newmtl skin\nmap_Kd skin.png\n")
    without = read_scan(path)
    assert without.texture is None
    assert without.notes == ("the texture skin.png cannot be read",)
    picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "skin.png")
    scan = read_scan(path)
    np.testing.assert_array_equal(scan.texture, picture)
    assert scan.notes == ()
    assert isinstance(scan.surface, Mesh)
    np.testing.assert_array_equal(scan.surface.uv_faces, scan.surface.faces)
    span = patch().vertices[:, :2]
    np.testing.assert_allclose(scan.surface.uvs[:-1], span / 200 + 0.5, atol=1e-6)


def test_faces_that_are_off_the_texture(tmp_path: Path) -> None:
    path = write_obj(tmp_path / "scan.obj", patch(), textured=True)
    (tmp_path / "scan.mtl").write_text("newmtl skin\nmap_Kd skin.png\n")
    Image.new("RGB", (8, 8)).save(tmp_path / "skin.png")
    path.write_text(path.read_text() + "f 1 2 14\nf 1/1 2/2 14/999\nusemtl other\nf 1/1 2/2 14/14\n")
    scan = read_scan(path)
    assert scan.notes == ("faces without a place on the texture skin.png: 3",)
    assert isinstance(scan.surface, Mesh)
    assert scan.surface.uv_faces.max() < len(scan.surface.uvs)


def test_repairs_are_told(tmp_path: Path) -> None:
    surface = patch()
    vertices = surface.vertices.copy()
    vertices[0] = np.nan
    vertices[5, 1] = np.inf
    extra = np.array([[7, 7, 9], [20, 30, 20], [20, 9999, 30], [0, 9, 20]])
    vertices = np.concatenate([vertices, [[0.0, 0, 50], [0, 0, 60]]])
    scan = read_scan(write_obj(tmp_path / "scan.obj", Surface(vertices, np.concatenate([surface.faces, extra]))))
    of_bad = np.isin(surface.faces, [0, 5]).any(axis=1).sum()
    assert scan.notes == (
        "vertices whose coordinates are not finite: 2 dropped",
        "faces of vertices that are not there: 1 dropped",
        f"faces of vertices that are not finite: {of_bad + 1} dropped",
        "faces without area: 2 dropped",
        "vertices without a face: 2 dropped",
    )
    assert np.isfinite(scan.surface.vertices).all()
    assert set(scan.surface.faces.ravel()) == set(range(len(scan.surface.vertices)))
    # What is left are the same triangles, in the same place.
    kept = surface.vertices[surface.faces[~np.isin(surface.faces, [0, 5]).any(axis=1)]]
    np.testing.assert_allclose(scan.surface.vertices[scan.surface.faces], kept, atol=1e-6)


@pytest.mark.parametrize(
    ("millimetres_per_unit", "unit"), [(1000.0, "metres"), (100.0, "decimetres"), (10.0, "centimetres")]
)
def test_other_units_are_named_and_never_scaled(millimetres_per_unit: float, unit: str, tmp_path: Path) -> None:
    for extent in (170.0, 500.0):
        path = write_obj(tmp_path / "scan.obj", patch(extent / millimetres_per_unit))
        with pytest.raises(ScanError, match=rf"scan.obj: measures .* seems to be in {unit}; millimetres are expected"):
            read_scan(path)


def test_a_stray_point_does_not_set_the_unit(tmp_path: Path) -> None:
    surface = patch(0.2)
    vertices = np.concatenate([surface.vertices, [[300.0, 0, 0]]])
    faces = np.concatenate([surface.faces, [[0, 1, len(surface.vertices)]]])
    with pytest.raises(ScanError, match="metres"):
        read_scan(write_obj(tmp_path / "scan.obj", Surface(vertices, faces)))


def empty(path: Path) -> None:
    path.touch()


def binary(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20)


def cloud(path: Path) -> None:
    if path.suffix == ".ply":
        trimesh.PointCloud(patch().vertices).export(path)
    else:
        write_obj(path, Surface(patch().vertices, np.zeros((0, 3), np.int64)))


def unusable(path: Path) -> None:
    if path.suffix == ".ply":
        export(path, Surface(patch().vertices, np.zeros((4, 3), np.int64)))
    else:
        write_obj(path, Surface(patch().vertices * np.nan, patch().faces))


def too_small(path: Path) -> None:
    write_obj(path, patch(1e-4)) if path.suffix == ".obj" else export(path, patch(1e-4))


@pytest.mark.parametrize("extension", [".obj", ".ply"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "No such file"),
        (Path.mkdir, "cannot be read|not a mesh"),
        (empty, "empty|not a mesh"),
        (binary, "not a mesh"),
        (cloud, "has no faces"),
        (unusable, "none of its faces is usable"),
        (too_small, "no face in any unit"),
    ],
)
def test_what_is_no_scan(make: Callable[[Path], Any], message: str, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"scan{extension}"
    make(path)
    with pytest.raises(ScanError, match=message) as caught:
        read_scan(path)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("extension", [".obj", ".ply"])
def test_a_file_that_ends_early(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"scan{extension}"
    export(path, patch()) if extension == ".ply" else write_obj(path, patch())
    content = path.read_bytes()
    # Of the OBJ file, half of the vertices: its polygons stand in lines of their own and may end anywhere.
    path.write_bytes(content[: len(content) - 10 if extension == ".ply" else content.index(b"f ") // 2])
    with pytest.raises(ScanError, match=r"not a mesh|has no faces"):
        read_scan(path)


def test_other_formats(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match=r"read from \.obj and \.ply"):
        read_scan(tmp_path / "scan.stl")


def points() -> list[Any]:
    return np.random.default_rng(1).normal(scale=50, size=(68, 3)).tolist()


def ljson(rows: list[Any], version: int = 3) -> Any:
    group = {"labels": [{"label": "all", "mask": list(range(68))}], "landmarks": {"points": rows, "connectivity": []}}
    return {"groups": {"LJSON": group}, "version": 3} if version == 3 else {**group, "version": 2}


@pytest.mark.parametrize("version", [2, 3])
def test_landmarks(version: int, tmp_path: Path) -> None:
    path = tmp_path / "scan.ljson"
    rows = points()
    path.write_text(json.dumps(ljson(rows, version)))
    np.testing.assert_array_equal(read_ljson(path), rows)


def test_landmarks_that_were_not_set(tmp_path: Path) -> None:
    path = tmp_path / "scan.ljson"
    rows = points()
    rows[3], rows[5], rows[67] = None, [None, None, None], [1.0, None, 2.0]
    path.write_text(json.dumps(ljson(rows)))
    read = read_ljson(path)
    assert np.flatnonzero(np.isnan(read).any(axis=1)).tolist() == [3, 5, 67]
    assert np.isnan(read[67]).all()
    np.testing.assert_array_equal(read[4], rows[4])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a JSON file"),
        (b"\xff\xfe", "not a JSON file"),
        (b"[]", "not landmarks"),
        (b"{}", "not landmarks"),
        (b'{"groups": {}}', "not landmarks"),
        (b'{"groups": {"LJSON": {"landmarks": {"points": "abc"}}}}', "not landmarks"),
        (json.dumps(ljson(points()[:51])).encode(), "68 landmarks of 3 coordinates are expected, not 51"),
        (json.dumps(ljson([[1, 2]] * 68)).encode(), "68 landmarks"),
        (json.dumps(ljson([[1, 2, 3], [1, 2]])).encode(), "not landmarks"),
    ],
)
def test_what_are_no_landmarks(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "scan.ljson"
    path.write_bytes(content)
    with pytest.raises(ScanError, match=rf"^{re.escape(str(path))}: .*{message}"):
        read_ljson(path)


def test_landmarks_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="No such file"):
        read_ljson(tmp_path / "scan.ljson")
