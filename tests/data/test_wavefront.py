"""OBJ files in all the forms that programs write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from data.wavefront import WavefrontMesh, parse_obj

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


def parse(tmp_path: Path, text: str) -> WavefrontMesh:
    path = tmp_path / "mesh.obj"
    path.write_text(text, newline="")
    return parse_obj(path)


@pytest.mark.parametrize(
    "faces",
    [
        "f 1 2 3\nf 1 3 4",
        "f 1/1 2/2 3/3\nf 1/1 3/3 4/4",
        "f 1//1 2//1 3//1\nf 1//1 3//1 4//1",
        "f 1/1/1 2/2/1 3/3/1\nf 1/1/1 3/3/1 4/4/1",
        "f 1 2 3 4",
        "f -4 -3 -2 -1",
        "f -4/-4 -3/-3/1 3//1 4",
        "g part\ns off\n# f 9 9 9\n  f  1\t2 3   4  \r",
        "f 1 2 \\\n3 4",
    ],
)
def test_every_form_of_face(faces: str, tmp_path: Path) -> None:
    uvs = "vt 0 0\nvt 1 0\nvt 1 1 0\nvt 0 1\nvn 0 0 1\n"
    mesh = parse(tmp_path, SQUARE + uvs + faces + "\n")
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3]])
    np.testing.assert_array_equal(mesh.uvs, [[0, 0], [1, 0], [1, 1], [0, 1]])
    known = mesh.uv_faces >= 0
    np.testing.assert_array_equal(mesh.uv_faces[known], mesh.faces[known])
    assert known.all() == (faces in ("f 1/1 2/2 3/3\nf 1/1 3/3 4/4", "f 1/1/1 2/2/1 3/3/1\nf 1/1/1 3/3/1 4/4/1"))


def test_relative_indices_count_from_where_they_stand(tmp_path: Path) -> None:
    mesh = parse(tmp_path, "v 0 0 0\nv 1 0 0\nv 1 1 0\nf -3 -2 -1\nv 2 0 0\nv 2 1 0\nf -3 -2 -1\nf -6 -2 0\n")
    np.testing.assert_array_equal(mesh.faces[:2], [[0, 1, 2], [2, 3, 4]])
    # Before the first, and none: out of range on either side.
    first, second, third = mesh.faces[2]
    assert not 0 <= first < 5
    assert second == 3
    assert not 0 <= third < 5


def test_polygons_are_cut_as_fans_and_lines_give_none(tmp_path: Path) -> None:
    mesh = parse(tmp_path, SQUARE + "v 0 2 0\nf 1 2\nf 1 2 3 4 5\nf 3 4 5\n")
    np.testing.assert_array_equal(mesh.faces, [[0, 1, 2], [0, 2, 3], [0, 3, 4], [2, 3, 4]])


def test_colours_need_every_vertex(tmp_path: Path) -> None:
    coloured = parse(tmp_path, "v 0 0 0 1 0.5 0\nv 1 0 0 0 0 1\nv 1 1 0 0 0 0\nf 1 2 3\n")
    assert coloured.colours is not None
    np.testing.assert_array_equal(coloured.colours, [[1, 0.5, 0], [0, 0, 1], [0, 0, 0]])
    assert parse(tmp_path, "v 0 0 0 1 0.5 0\nv 1 0 0\nv 1 1 0\nf 1 2 3\n").colours is None
    weighted = parse(tmp_path, "v 0 0 0 1\nv 1 0 0 1\nv 1 1 0 1\nf 1 2 3\n")
    assert weighted.colours is None
    np.testing.assert_array_equal(weighted.vertices, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


def test_textures_of_materials_the_most_used_first(tmp_path: Path) -> None:
    (tmp_path / "some images").mkdir()
    (tmp_path / "some images" / "a b.png").touch()
    (tmp_path / "my.mtl").write_text(
        "newmtl one\nKd 1 1 1\nmap_Kd some images\\a b.png\n"
        "newmtl two\nmap_Kd -s 1 1 1 -clamp on two.jpg\nnewmtl bare\n"
    )
    text = "mtllib my.mtl\nmtllib absent.mtl\n" + SQUARE
    text += (
        "f 1 2 3\nusemtl one\nf 1 2 3\nusemtl two\nf 1 2 3 4\nf 1 2 4\nusemtl bare\nf 1 2 3\nusemtl absent\nf 1 2 3\n"
    )
    mesh = parse(tmp_path, text)
    assert mesh.textures == (tmp_path / "two.jpg", tmp_path / "some images" / "a b.png")
    np.testing.assert_array_equal(mesh.texture_of_face, [-1, 1, 0, 0, 0, -1, -1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v 0 0\n", "fewer than three coordinates"),
        ("v 0 0 0\nv a b c\n", "line 2 is not understood: 'v a b c'"),
        ("vt 0\n", "line 1 is not understood"),
        (SQUARE + "f 1 2 x\n", "corner 'x'"),
        (SQUARE + "f 1 2/x 3\n", "corner '2/x'"),
    ],
)
def test_what_is_no_mesh(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        parse(tmp_path, text)


def test_nothing_at_all(tmp_path: Path) -> None:
    mesh = parse(tmp_path, "")
    assert mesh.vertices.shape == mesh.faces.shape == mesh.uv_faces.shape == (0, 3)
    assert mesh.uvs.shape == (0, 2)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), vertices=st.integers(3, 30), faces=st.integers(1, 40))
def test_what_another_library_writes_is_read_back(
    seed: int, vertices: int, faces: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(scale=100, size=(vertices, 3))
    triangles = random.integers(0, vertices, (faces, 3))
    path = tmp_path_factory.mktemp("obj") / "mesh.obj"
    path.write_text(trimesh.exchange.obj.export_obj(trimesh.Trimesh(points, triangles, process=False), digits=12))
    mesh = parse_obj(path)
    np.testing.assert_allclose(mesh.vertices, points, atol=1e-9)
    np.testing.assert_array_equal(mesh.faces, triangles)
