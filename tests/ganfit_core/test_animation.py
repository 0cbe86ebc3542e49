"""The animated head, read back by hand, has the tracked vertices in every frame."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from ganfit_core.animation import Morphs, reduce_expressions, write_animation
from ganfit_core.export import split_seams
from ganfit_core.mesh import Mesh
from ganfit_core.morphable import MorphableModel

TEXTURE = np.random.default_rng(0).integers(0, 255, (8, 8, 3)).astype(np.uint8)


class Glb:
    """What a viewer reads of a file."""

    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        size, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON"
        assert size % 4 == 0
        self.document: dict[str, Any] = json.loads(content[20 : 20 + size])
        binary, kind = struct.unpack_from("<I4s", content, 20 + size)
        assert kind == b"BIN\0"
        self.binary = content[28 + size :]
        assert len(self.binary) == binary == self.document["buffers"][0]["byteLength"]

    def view(self, index: int) -> bytes:
        view = self.document["bufferViews"][index]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def values(self, index: int) -> np.ndarray:
        accessor = self.document["accessors"][index]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}[accessor["type"]]
        kind = {5126: np.float32, 5125: np.uint32}[accessor["componentType"]]
        values = np.frombuffer(self.view(accessor["bufferView"]), kind).reshape(accessor["count"], width)
        if "min" in accessor:
            np.testing.assert_array_equal(values.min(axis=0), np.float32(accessor["min"]))
            np.testing.assert_array_equal(values.max(axis=0), np.float32(accessor["max"]))
        return values

    def frame(self, number: int) -> np.ndarray:
        """Positions at a key frame, mm."""
        (primitive,) = self.document["meshes"][0]["primitives"]
        (sampler,) = self.document["animations"][0]["samplers"]
        targets = [self.values(target["POSITION"]) for target in primitive["targets"]]
        weights = self.values(sampler["output"]).reshape(-1, len(targets))[number]
        base = self.values(primitive["attributes"]["POSITION"])
        return 1000 * (base + np.tensordot(weights, np.stack(targets), 1))


def talk(model: MorphableModel, frames: int = 40) -> np.ndarray:
    """Expressions of a few true dimensions, and a little of all others."""
    random = np.random.default_rng(0)
    few = random.normal(size=(frames, 4)) @ random.normal(size=(4, model.n_expression))
    return (0.5 + 0.5 * few + 1e-3 * random.normal(size=(frames, model.n_expression))).astype(np.float32)


def topology(model: MorphableModel) -> Mesh:
    return Mesh(*(getattr(model, name).numpy() for name in ("mean", "faces", "uvs", "uv_faces")))


def written(model: MorphableModel, expression: np.ndarray, times: np.ndarray, path: Path) -> Morphs:
    morphs = reduce_expressions(
        model.mean.numpy(), model.expression_basis.numpy(), expression, model.regions["face"].numpy()
    )
    write_animation(path, topology(model), TEXTURE, morphs, times)
    return morphs


def test_every_frame_has_the_tracked_vertices(model: MorphableModel, tmp_path: Path) -> None:
    expression, times = talk(model), 2 + np.arange(40) / 24
    morphs = written(model, expression, times, tmp_path / "face.glb")
    assert 4 <= len(morphs.targets) < 12
    assert np.abs(morphs.weights).max() == pytest.approx(1)
    file = Glb(tmp_path / "face.glb")
    truth = model(torch.zeros(40, model.n_identity), torch.from_numpy(expression)).numpy()
    position_of, _, _ = split_seams(topology(model))
    on_face = model.regions["face"].numpy()[position_of]
    errors = [np.square(file.frame(t) - truth[t][position_of]).sum(axis=1)[on_face].mean() for t in range(40)]
    assert np.sqrt(np.mean(errors)) < 0.05
    assert np.sqrt(np.max(errors)) < 0.1
    (sampler,) = file.document["animations"][0]["samplers"]
    np.testing.assert_allclose(file.values(sampler["input"])[:, 0], times - 2, atol=1e-6)
    assert sampler["interpolation"] == "STEP"


def test_other_programs_read_it(model: MorphableModel, tmp_path: Path) -> None:
    expression = talk(model)
    morphs = written(model, expression, np.arange(40) / 24, tmp_path / "face.glb")
    (mesh,) = trimesh.load_scene(tmp_path / "face.glb").geometry.values()
    position_of, uv_of, triangles = split_seams(topology(model))
    np.testing.assert_allclose(mesh.vertices * 1000, morphs.base[position_of], atol=1e-3)
    np.testing.assert_array_equal(mesh.faces, triangles)
    np.testing.assert_allclose(mesh.visual.uv, model.uvs.numpy()[uv_of], atol=1e-6)
    np.testing.assert_array_equal(np.asarray(mesh.visual.material.baseColorTexture.convert("RGB")), TEXTURE)
    outward = (mesh.vertices - mesh.vertices.mean(axis=0)) * mesh.vertex_normals
    assert (outward.sum(axis=1) > 0).mean() > 0.8


def test_views_are_aligned_and_the_picture_is_the_texture(model: MorphableModel, tmp_path: Path) -> None:
    written(model, talk(model), np.arange(40) / 24, tmp_path / "face.glb")
    file = Glb(tmp_path / "face.glb")
    assert all(view["byteOffset"] % 4 == 0 for view in file.document["bufferViews"])
    image = Image.open(io.BytesIO(file.view(file.document["images"][0]["bufferView"])))
    np.testing.assert_array_equal(np.asarray(image), TEXTURE)


def test_a_face_that_never_moves_needs_no_targets(model: MorphableModel, tmp_path: Path) -> None:
    expression = np.full((3, model.n_expression), 0.3, np.float32)
    morphs = written(model, expression, np.arange(3) / 25, tmp_path / "face.glb")
    assert morphs.targets.shape == (0, len(model.mean), 3)
    truth = model(torch.zeros(1, model.n_identity), torch.from_numpy(expression[:1]))[0].numpy()
    np.testing.assert_allclose(morphs.base, truth, atol=1e-3)
    assert "animations" not in Glb(tmp_path / "face.glb").document
    assert trimesh.load_scene(tmp_path / "face.glb").geometry


def test_the_tolerance_decides_how_many_targets(model: MorphableModel) -> None:
    arguments = model.mean.numpy(), model.expression_basis.numpy(), talk(model), model.regions["face"].numpy()
    coarse, fine = (reduce_expressions(*arguments, tolerance=tolerance) for tolerance in (1.0, 1e-4))
    assert len(coarse.targets) < 4 < len(fine.targets)
    truth = model.mean.numpy() + np.tensordot(arguments[2].astype(np.float64), arguments[1].astype(np.float64), 1)
    found = fine.base + np.tensordot(fine.weights, fine.targets, 1)
    np.testing.assert_allclose(found[:, arguments[3]], truth[:, arguments[3]], atol=1e-2)
