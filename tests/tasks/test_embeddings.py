"""What networks say of faces: read where it is known, and of which picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.assets import MissingAssetError
from data.collections import Unit
from ganfit_core.perception.align import TEMPLATE_68
from tasks import embeddings
from tasks.embeddings import CHUNK, Chunk, Kind, chunks, embed_chunk
from tasks.micc_recipes import MEAN_FACE
from tasks.stored_faces import StoredFace
from tests import judged
from tests.judged import GREEN, RED, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


def face(folder: Path, name: str, colour: tuple[int, int, int], blue: float = 0.0) -> StoredFace:
    """Reconstructed with the colour of its photograph, and an expression that adds blue."""
    path = judged.photograph(folder / name, colour)
    shown = judged.vectors(np.array(colour) / 255, [0, 0, blue])
    return judged.stored(path, name, TEMPLATE_68 * judged.SIZE + 16, shown)


@pytest.fixture
def faces(tmp_path: Path) -> list[StoredFace]:
    return [face(tmp_path, "ann.png", RED, 0.75 * 200 / 255), face(tmp_path, "bob.png", GREEN)]


def scaled(face: StoredFace, factor: float) -> StoredFace:
    """With landmarks elsewhere."""
    assert face.landmarks is not None
    return dataclasses.replace(face, landmarks=face.landmarks * np.float32(factor))


def embed(faces: Sequence[StoredFace], kind: Kind, folder: Path, method: str = "fast", **changes: Any) -> np.ndarray:
    options: dict[str, Any] = {"networks": ["judge"], "preset": "laptop"} | changes
    return embed_chunk(Chunk(method, kind, tuple(faces)), folder=folder, **options)["judge"]


def test_a_photograph_a_rendering_and_the_reference_view_are_three_pictures(
    world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    np.testing.assert_allclose(embed(faces, "photograph", tmp_path), [[1, 0, 0], [0, 1, 0]], atol=1e-6)
    np.testing.assert_allclose(embed(faces, "rendering", tmp_path), [[0.8, 0.0, 0.6], [0.0, 1.0, 0.0]], atol=1e-6)
    np.testing.assert_allclose(embed(faces, "reference view", tmp_path), [[1, 0, 0], [0, 1, 0]], atol=1e-6)


def test_a_rendering_is_cut_by_its_photographs_landmarks_and_the_reference_view_by_the_models(
    world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    moved = [scaled(face, 0.5) for face in faces]
    judge = world.judges["judge"]
    low, high = TEMPLATE_68.min(axis=0), TEMPLATE_68.max(axis=0)
    embed(moved, "photograph", tmp_path)
    expected: Any = 0.5 * (np.concatenate([low, high]) * judged.SIZE + 16)
    np.testing.assert_allclose(judge.boxes, np.stack([expected] * 2), atol=0.51)
    judge.boxes.clear()
    embed(moved, "rendering", tmp_path)  # the crop follows the landmarks: there they lie where they always do
    np.testing.assert_allclose(judge.boxes, np.stack([np.concatenate([low, high]) * judged.SIZE] * 2), atol=0.51)
    judge.boxes.clear()
    embed(moved, "reference view", tmp_path)
    assert judge.boxes[0] == judge.boxes[1]
    assert np.abs(np.array(judge.boxes[0]) - np.concatenate([low, high]) * judged.SIZE).max() > 1


def test_known_embeddings_are_read(world: World, faces: list[StoredFace], tmp_path: Path) -> None:
    first = embed(faces, "rendering", tmp_path)
    assert world.asked()[0] == 4
    np.testing.assert_array_equal(embed(faces, "rendering", tmp_path), first)
    assert world.asked()[0] == 0


def test_a_network_that_joins_is_asked_alone(
    monkeypatch: pytest.MonkeyPatch, faces: list[StoredFace], tmp_path: Path
) -> None:
    world = judged.install(monkeypatch, ("judge", "juror"))
    embed(faces, "rendering", tmp_path)
    embed(faces, "rendering", tmp_path, networks=["judge", "juror"])
    assert {name: judge.seen for name, judge in world.judges.items()} == {"judge": [4], "juror": [4]}


@pytest.mark.parametrize("kind", ["photograph", "rendering", "reference view"])
@pytest.mark.parametrize(
    ("change", "anew"),
    [
        ({"content_sha256": "another photograph"}, {"photograph"}),
        ({"landmarks": np.asarray(TEMPLATE_68 * 60, np.float32)}, {"photograph"}),
        ({"result_key": "another result"}, {"rendering", "reference view"}),
        ({"reason": "of no account"}, set()),
    ],
)
def test_what_a_picture_depends_on_decides_whether_it_is_embedded_anew(
    kind: Any, change: dict[str, Any], anew: set[str], world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    embed(faces, kind, tmp_path)
    world.asked()
    embed([dataclasses.replace(faces[0], **change), faces[1]], kind, tmp_path)
    assert (world.asked()[0] > 0) == (kind in anew)


@pytest.mark.parametrize("kind", ["rendering", "reference view"])
def test_the_mean_face_depends_on_the_photograph_alone(
    kind: Any, world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    np.testing.assert_allclose(embed(faces, kind, tmp_path, MEAN_FACE), np.full((2, 3), 3**-0.5), atol=1e-6)
    world.asked()
    embed([dataclasses.replace(face, result_key="another") for face in faces], kind, tmp_path, MEAN_FACE)
    assert world.asked()[0] == 0
    embed([dataclasses.replace(face, content_sha256="another") for face in faces], kind, tmp_path, MEAN_FACE)
    assert world.asked()[0] == 4


@pytest.mark.parametrize(("kind", "anew"), [("photograph", 0), ("rendering", 4), ("reference view", 4)])
def test_other_models_render_anew(kind: Any, anew: int, world: World, faces: list[StoredFace], tmp_path: Path) -> None:
    embed(faces, kind, tmp_path)
    world.asked()
    world.loss["morphable"] = "another"
    embed(faces, kind, tmp_path)
    assert world.asked()[0] == anew


@pytest.mark.parametrize(("kind", "anew"), [("photograph", 0), ("rendering", 4), ("reference view", 4)])
@pytest.mark.parametrize("change", [{"method": "ganfit"}, {"preset": "paper"}])
def test_another_method_or_preset_is_another_rendering_of_the_same_photograph(
    kind: Any, anew: int, change: dict[str, Any], world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    embed(faces, kind, tmp_path)
    world.asked()
    embed(faces, kind, tmp_path, **change)
    assert world.asked()[0] == anew


def test_another_file_of_the_network_and_other_code_are_asked_anew(
    world: World, faces: list[StoredFace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(faces, "photograph", tmp_path)
    world.asked()
    world.hashes["judge"] = "another"
    embed(faces, "photograph", tmp_path)
    assert world.asked()[0] == 4
    monkeypatch.setattr(embeddings, "sources_sha256", lambda *modules: "another")
    embed(faces, "photograph", tmp_path)
    assert world.asked()[0] == 4


def test_the_code_of_an_embedding_is_that_of_its_network_too(
    world: World, faces: list[StoredFace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[tuple[str, ...]] = []

    def sources(*modules: str) -> str:
        hashed.append(modules)
        return "code"

    monkeypatch.setattr(embeddings, "sources_sha256", sources)
    embed(faces, "photograph", tmp_path)
    assert all({"tasks.embeddings", "tasks.stored_faces", "tests.judged"} <= set(modules) for modules in hashed)
    assert hashed


def test_faces_keep_their_order_and_number_in_chunks(world: World, faces: list[StoredFace]) -> None:
    many = [dataclasses.replace(faces[0], reason=f"{number}") for number in range(2 * CHUNK + 1)]
    parts = chunks("fast", "photograph", many)
    assert [len(part.faces) for part in parts] == [CHUNK, CHUNK, 1]
    assert [face for part in parts for face in part.faces] == many
    assert chunks("fast", "photograph", []) == []


def test_photographs_of_different_sizes_are_embedded_together(world: World, tmp_path: Path) -> None:
    ann = face(tmp_path, "ann.png", RED)
    with judged.Image.open(ann.unit.path) as small:
        small.resize((192, 192)).save(tmp_path / "large.png")
    large = dataclasses.replace(scaled(ann, 2), unit=Unit("large.png", tmp_path / "large.png"))
    np.testing.assert_allclose(embed([ann, large], "photograph", tmp_path), [[1, 0, 0]] * 2, atol=1e-6)


@pytest.mark.parametrize(("kind", "method"), [("photograph", "fast"), ("rendering", MEAN_FACE)])
def test_a_photograph_that_is_gone_leaves_the_others_their_embeddings_and_is_tried_again(
    kind: Any, method: str, world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    content = faces[1].unit.path.read_bytes()
    faces[1].unit.path.unlink()
    embedded = embed(faces, kind, tmp_path, method)
    assert np.isfinite(embedded).all(axis=1).tolist() == [True, False]
    faces[1].unit.path.write_bytes(content)
    assert np.isfinite(embed(faces, kind, tmp_path, method)).all()


def test_a_photograph_that_is_gone_is_not_needed_to_render(
    world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    faces[1].unit.path.unlink()
    assert np.isfinite(embed(faces, "rendering", tmp_path)).all()


def test_a_network_that_is_not_here_is_an_error_of_assets(
    world: World, faces: list[StoredFace], tmp_path: Path
) -> None:
    with pytest.raises(MissingAssetError):
        embed(faces, "photograph", tmp_path, networks=["sface"])
