"""ICT-FaceKit's adapter on a small folder in the published format, and on the true one where it is at hand."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from data import assets
from data.morphable import ict_facekit
from data.morphable.ict_facekit import PARTS, IctFaceKitError, load_ict_facekit

N_FACE, N_BACK, N_EYE, N_FILM = 72, 4, 4, 4
HEADER = "#" * 90 + "\n# ICT FaceKit" + " " * 75 + "#\n" + "#" * 90 + "\n\nmtllib ICTFaceModelMaterial.mtl\n"


def vertices_cm(generator: np.random.Generator) -> np.ndarray:
    """Face, head, the film over an eye, and the eye, in the order of the published vertices but for the film."""
    return generator.uniform(-12, 12, (N_FACE + N_BACK + N_FILM + N_EYE, 3))


def obj(vertices: np.ndarray) -> str:
    """As published: vertices, texture coordinates, then polygons by material with indices `vertex/texture`."""
    face = [(i, i + 1, i + 2, i + 3) for i in range(0, N_FACE, 4)]
    back = N_FACE
    materials = {
        "M_Face": face,
        # A quad that shares two vertices with the face, as the border does.
        "M_BackHead": [(0, 1, back, back + 1), (back, back + 1, back + 2, back + 3)],
        "M_ScleraLeft": [(v := N_FACE + N_BACK + N_FILM, v + 1, v + 2), (v, v + 2, v + 3)],
        "M_EyeBlend": [tuple(N_FACE + N_BACK + np.arange(4))],
    }
    lines = [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in vertices] + ["", *["vt 0.480491 0.185494"] * 4, ""]
    for material, polygons in materials.items():
        lines.append(f"usemtl {material}")
        lines += ["f " + " ".join(f"{corner + 1}/{1 + k % 4}" for k, corner in enumerate(p)) for p in polygons]
    return HEADER + "\n".join(lines) + "\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test reads what another kept."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(ict_facekit, "cache_directory", lambda: cache)
    return cache


@pytest.fixture
def shapes() -> dict[str, np.ndarray]:
    """Vertices in cm of the mean, two identities and two expressions."""
    generator = np.random.default_rng(0)
    mean = vertices_cm(generator)
    names = ("identity000", "identity001", "jawOpen", "mouthSmile_L")
    return {"generic_neutral_mesh": mean} | {name: mean + generator.normal(0, 0.3, mean.shape) for name in names}


@pytest.fixture
def folder(tmp_path: Path, shapes: dict[str, np.ndarray]) -> Path:
    """A checkout: README and FaceXModel."""
    model = tmp_path / "ICT-FaceKit" / "FaceXModel"
    model.mkdir(parents=True)
    (model.parent / "README.md").write_text("# ICT-FaceKit\n")
    (model / "ICTFaceModelMaterial.mtl").write_text("newmtl M_Face\n")
    for name, vertices in shapes.items():
        (model / f"{name}.obj").write_text(obj(vertices))
    indices = {
        "expressions": ["mouthSmile_L", "jawOpen"],
        "fitting_expressions": ["jawOpen"],
        "idx_to_landmark_verts": list(range(2, 70)),
    }
    (model / "vertex_indices.json").write_text(json.dumps(indices, indent=4))
    return model.parent


def test_centimetres_become_millimetres_around_the_middle_of_the_skull(
    folder: Path, shapes: dict[str, np.ndarray]
) -> None:
    model = load_ict_facekit(folder)
    kept = np.r_[: N_FACE + N_BACK, N_FACE + N_BACK + N_FILM : N_FACE + N_BACK + N_FILM + N_EYE]
    mean = shapes["generic_neutral_mesh"][kept] * 10
    shift = (mean - model.mean).mean(axis=0)
    np.testing.assert_allclose(model.mean + shift, mean, atol=2e-3)
    assert shift[0] == pytest.approx(0, abs=2e-3)
    skull = model.mean[model.mean[:, 1] > model.mean[model.landmarks[8], 1]]
    np.testing.assert_allclose(skull.min(axis=0)[1:], -skull.max(axis=0)[1:], atol=2e-3)
    for modes, names in ((model.identity, ("identity000", "identity001")), (model.expression, model.names)):
        expected = np.array([shapes[name] - shapes["generic_neutral_mesh"] for name in names])[:, kept] * 10
        np.testing.assert_allclose(modes, expected, atol=2e-3)
    assert model.names == ("mouthSmile_L", "jawOpen")


def test_quads_become_triangles_of_the_same_corners_and_films_are_left_out(folder: Path) -> None:
    model = load_ict_facekit(folder)
    assert len(model.mean) == N_FACE + N_BACK + N_EYE
    assert len(model.faces) == 2 * (N_FACE // 4) + 2 * 2 + 2
    assert model.faces[:4].tolist() == [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
    assert model.faces[-1].tolist() == [N_FACE + N_BACK, N_FACE + N_BACK + 2, N_FACE + N_BACK + 3]
    # The face has the vertices that it shares with the head.
    assert [PARTS[part] for part in model.parts] == ["face"] * N_FACE + ["back"] * N_BACK + ["eyes"] * N_EYE
    assert model.landmarks.tolist() == list(range(2, 70))


def test_an_archive_of_the_folder_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "ict_facekit.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        file.add(folder, arcname="ict_facekit")
    packed, plain = load_ict_facekit(archive), load_ict_facekit(folder)
    for name in ("mean", "identity", "expression", "faces", "parts", "landmarks"):
        np.testing.assert_array_equal(getattr(packed, name), getattr(plain, name))
    assert packed.names == plain.names


def test_the_second_time_it_comes_from_the_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load_ict_facekit(folder)

    def forbidden(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(ict_facekit, "_assemble", forbidden)
    again = load_ict_facekit(folder)
    for name in ("mean", "identity", "expression", "faces", "parts", "landmarks"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))
    assert (again.names, again.sha256) == (first.names, first.sha256)
    mean = folder / "FaceXModel" / "generic_neutral_mesh.obj"
    mean.write_text(mean.read_text() + "# changed\n")
    with pytest.raises(AssertionError, match="read again"):
        load_ict_facekit(folder)


@pytest.mark.parametrize("name", ["generic_neutral_mesh.obj", "vertex_indices.json", "jawOpen.obj"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / "FaceXModel" / name).unlink()
    with pytest.raises(IctFaceKitError, match=name):
        load_ict_facekit(folder)


def test_a_file_of_another_topology_is_named(folder: Path) -> None:
    path = folder / "FaceXModel" / "identity001.obj"
    path.write_text(path.read_text().replace("v ", "# ", 1))
    with pytest.raises(IctFaceKitError, match=r"identity001\.obj has 83 vertices, not 84"):
        load_ict_facekit(folder)


def test_a_cut_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "ict_facekit.tar.xz"
    with tarfile.open(archive, "w:xz") as file:
        file.add(folder, arcname="ict_facekit")
    archive.write_bytes(archive.read_bytes()[:-200])
    with pytest.raises(IctFaceKitError, match="no archive"):
        load_ict_facekit(archive)


def test_the_published_model(monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        path = assets.find("ict-facekit")
    except assets.AssetError as error:
        pytest.skip(str(error))
    monkeypatch.undo()  # the user's cache, as reading takes seconds
    model = load_ict_facekit(path)
    assert np.bincount(model.parts).tolist() == [9409, 4653, 2977, 4412, 1540]
    assert (model.identity.shape[0], model.expression.shape[0]) == (100, 53)
    corners = model.mean[model.landmarks]
    assert np.linalg.norm(corners[36] - corners[45]) == pytest.approx(89.2, abs=0.1)
    # +x is the subject's left: the first point of the jaw is on the right.
    assert corners[0, 0] < 0 < corners[16, 0]
    deviation = np.sqrt((model.identity[:, model.parts == 0].astype(float) ** 2).sum(axis=(0, 2)).mean())
    assert deviation == pytest.approx(6.16, abs=0.01)
