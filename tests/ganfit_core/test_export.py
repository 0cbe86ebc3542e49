"""Exported files, read back by other readers."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from ganfit_core import export
from ganfit_core.mesh import Mesh


@pytest.fixture
def mesh() -> Mesh:
    """A rectangle of 200 x 100 mm facing +z, two triangles whose UVs are split along the diagonal."""
    return Mesh(
        vertices=np.array([[-100, -50, 0], [100, -50, 0], [100, 50, 0], [-100, 50, 0]], np.float32),
        faces=np.array([[0, 1, 2], [0, 2, 3]], np.int64),
        uvs=np.array([[0, 0], [1, 0], [1, 1], [0.1, 0.1], [0.9, 0.9], [0, 1]], np.float32),
        uv_faces=np.array([[0, 1, 2], [3, 4, 5]], np.int64),
    )


@pytest.fixture
def texture() -> np.ndarray:
    """Red above (v = 1), blue below."""
    image = np.zeros((16, 16, 3), np.uint8)
    image[:8, :, 0] = 200
    image[8:, :, 2] = 200
    return image


def test_glb_is_in_metres_with_an_upright_embedded_texture(tmp_path: Path, mesh: Mesh, texture: np.ndarray) -> None:
    export.write_glb(tmp_path / "face.glb", mesh, texture)
    loaded = trimesh.load_mesh(tmp_path / "face.glb")
    np.testing.assert_allclose(loaded.extents, [0.2, 0.1, 0.0], atol=1e-6)
    top = loaded.vertices[:, 1] > 0
    colours = loaded.visual.to_color().vertex_colors
    np.testing.assert_array_equal(colours[top][:, :3], np.tile([200, 0, 0], (top.sum(), 1)))
    np.testing.assert_array_equal(colours[~top][:, :3], np.tile([0, 0, 200], ((~top).sum(), 1)))


def test_glb_follows_the_format(tmp_path: Path, mesh: Mesh, texture: np.ndarray) -> None:
    """Parsed by hand: the texture's row 0 is v = 0 in glTF, and one material, rough and lit."""
    export.write_glb(tmp_path / "face.glb", mesh, texture)
    raw = (tmp_path / "face.glb").read_bytes()
    length = int.from_bytes(raw[12:16], "little")
    header, binary = json.loads(raw[20 : 20 + length]), raw[28 + length :]
    assert len(header["materials"]) == 1
    material = header["materials"][0]
    assert "extensions" not in material
    assert material["pbrMetallicRoughness"]["roughnessFactor"] == 1.0
    assert material["pbrMetallicRoughness"]["metallicFactor"] == 0.0

    def data(accessor: int, width: int) -> np.ndarray:
        view = header["bufferViews"][header["accessors"][accessor]["bufferView"]]
        content = binary[view.get("byteOffset", 0) :][: view["byteLength"]]
        return np.frombuffer(content, np.float32).reshape(-1, width)

    attributes = header["meshes"][0]["primitives"][0]["attributes"]
    position, uv = data(attributes["POSITION"], 3), data(attributes["TEXCOORD_0"], 2)
    assert len(position) == 6  # two corners lie on the seam
    np.testing.assert_allclose(uv[position[:, 1] > 0][:, 1].max(), 0.1, atol=1e-6)
    np.testing.assert_allclose(data(attributes["NORMAL"], 3), np.tile([0, 0, 1], (6, 1)), atol=1e-6)
    view = header["bufferViews"][header["images"][0]["bufferView"]]
    png = binary[view["byteOffset"] :][: view["byteLength"]]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), texture)


def test_obj_says_its_units_and_keeps_separate_indices(tmp_path: Path, mesh: Mesh, texture: np.ndarray) -> None:
    export.write_obj(tmp_path / "face.obj", mesh, texture)
    lines = (tmp_path / "face.obj").read_text().splitlines()
    assert lines[0].startswith("# units: millimetres")
    rows = [[float(x) for x in line.split()[1:]] for line in lines if line.startswith("v ")]
    np.testing.assert_allclose(rows, mesh.vertices)
    assert [line for line in lines if line.startswith("f ")] == ["f 1/1 2/2 3/3", "f 1/4 3/5 4/6"]
    assert sum(line.startswith("vt ") for line in lines) == 6
    material = (tmp_path / "face.mtl").read_text()
    named = re.search(r"^map_Kd (.*)$", material, re.MULTILINE)
    assert named is not None
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / named[1])), texture)


def test_obj_is_read_by_another_program(tmp_path: Path, mesh: Mesh, texture: np.ndarray) -> None:
    export.write_obj(tmp_path / "face.obj", mesh, texture)
    loaded = trimesh.load_mesh(tmp_path / "face.obj")
    np.testing.assert_allclose(loaded.extents, [200, 100, 0], atol=1e-4)
    top = loaded.vertices[:, 1] > 0
    assert (loaded.visual.to_color().vertex_colors[top][:, 0] == 200).all()


def test_a_failed_write_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export.replace_bytes(tmp_path / "deep" / "a", b"old")

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        export.replace_bytes(tmp_path / "deep" / "a", b"new")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a"]
    assert (tmp_path / "deep" / "a").read_bytes() == b"old"
