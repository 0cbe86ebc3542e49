"""Rows of `reconstructions` become faces again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from data.collections import Unit, discover
from ganfit_core.parameters import Parameters
from ganfit_core.perception.align import TEMPLATE_68
from ganfit_core.perception.photo import MAX_SIDE, PhotoError
from ganfit_core.reference_view import reference_view
from tasks.micc_recipes import MEAN_FACE
from tasks.stored_faces import (
    StoredFace,
    crop,
    crop_landmarks,
    fitter_of,
    parameters_of,
    photograph,
    photograph_key,
    rendered,
    stored_faces,
)
from tests import judged
from tests.judged import GREEN, RED, SIZE, WALL, World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return judged.install(monkeypatch)


@pytest.fixture
def ann(tmp_path: Path) -> StoredFace:
    path = judged.photograph(tmp_path / "ann.png", RED)
    shown = judged.vectors([0.5, 0.25, 0], [0, 0, 0.25])
    return judged.stored(path, "ann.png", TEMPLATE_68 * SIZE + 16, shown)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A red face, a green one, a wall."""
    for name, colour in (("ann.png", RED), ("bob.png", GREEN), ("cas.png", WALL)):
        judged.photograph(tmp_path / "photographs" / name, colour)
    return tmp_path / "photographs"


def test_rows_are_read_by_method_and_collection(world: World, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for method in ("fast", "ganfit"):
        judged.reconstruct_here([str(folder)], out, method)
    namesake = judged.photograph(tmp_path / "others" / "bob.png", RED)
    judged.reconstruct_here([str(namesake)], out, "fast")
    faces = stored_faces(out, "fast", discover([folder]))
    assert sorted(faces) == ["ann.png", "bob.png", "cas.png"]
    (other,) = stored_faces(out, "fast", discover([namesake])).values()
    assert faces["bob.png"].parameters is not None
    assert other.parameters is not None
    np.testing.assert_allclose(faces["bob.png"].parameters["identity"], np.array(GREEN) / 255, atol=1e-6)
    np.testing.assert_allclose(other.parameters["identity"], np.array(RED) / 255, atol=1e-6)
    assert stored_faces(out, "pcafit", discover([folder])) == {}
    ann, cas = faces["ann.png"], faces["cas.png"]
    assert (ann.ok, ann.status, ann.reason, ann.unit.path) == (True, "ok", None, folder / "ann.png")
    assert ann.assets == world.loss
    assert ann.landmarks is not None
    np.testing.assert_allclose(ann.landmarks, TEMPLATE_68 * SIZE + 16, atol=1e-4)
    assert ann.parameters is not None
    np.testing.assert_allclose(ann.parameters["identity"], np.array(RED) / 255, atol=1e-6)
    assert ann.result_key != stored_faces(out, "ganfit", discover([folder]))["ann.png"].result_key
    assert (cas.ok, cas.status, cas.reason) == (False, "no_face", "no face found")
    assert cas.landmarks is None
    assert cas.parameters is None


def test_rows_of_photographs_that_are_no_longer_in_the_collection_are_left_out(
    world: World, folder: Path, tmp_path: Path
) -> None:
    judged.reconstruct_here([str(folder)], tmp_path / "out", "fast")
    (folder / "bob.png").unlink()
    assert sorted(stored_faces(tmp_path / "out", "fast", discover([folder]))) == ["ann.png", "cas.png"]


def test_a_folder_without_reconstructions_has_no_faces(folder: Path, tmp_path: Path) -> None:
    assert stored_faces(tmp_path, "fast", discover([folder])) == {}


def test_what_nothing_is_fitted_for_is_there_wherever_a_face_was_found(world: World, ann: StoredFace) -> None:
    failed = dataclasses.replace(ann, status="failed", stage="fit", reason="the energy is not finite")
    for method in (MEAN_FACE, "photographs"):
        face = failed.without_fit(method, "laptop", "central")
        assert (face.ok, face.reason, face.result_key, face.parameters) == (True, None, None, None)
        assert face.unit_id == ann.unit_id
        assert photograph_key(face) == photograph_key(ann)
    faceless = dataclasses.replace(ann, status="no_face", reason="no face found", landmarks=None)
    face = faceless.without_fit(MEAN_FACE, "laptop", "central")
    assert (face.ok, face.status, face.reason) == (False, "no_face", "no face found")


def test_what_nothing_is_fitted_for_names_its_own_models_and_settings(world: World, ann: StoredFace) -> None:
    mean, photo = (ann.without_fit(method, "laptop", "central") for method in (MEAN_FACE, "photographs"))
    assert {"texture-pca", "morphable", "centerface"} <= set(mean.assets)
    assert set(photo.assets) == {"centerface", "dlib-landmarks-68"}
    others = [ann.without_fit(MEAN_FACE, "paper", "central"), ann.without_fit(MEAN_FACE, "laptop", "largest")]
    assert len({face.config_sha256 for face in (mean, photo, *others)}) == 4


def test_a_rendering_shows_the_stored_parameters_on_the_crops_points(world: World, ann: StoredFace) -> None:
    fitter = fitter_of("fast", "laptop")
    view = rendered(fitter, parameters_of("fast", [ann, ann], fitter))
    assert view.images.shape == (2, 3, SIZE, SIZE)
    torch.testing.assert_close(view.images[:, :, 0, 0], torch.tensor([[0.5, 0.25, 0.25]] * 2))
    np.testing.assert_allclose(view.points[1], TEMPLATE_68 * SIZE, atol=1e-3)


def test_colours_of_a_rendering_are_those_that_can_be_shown(world: World, ann: StoredFace) -> None:
    fitter = fitter_of("fast", "laptop")
    bright = dataclasses.replace(ann, parameters=judged.vectors([2, -1, 0.5], [0, 0, 0]))
    image = rendered(fitter, parameters_of("fast", [bright], fitter)).images
    assert image[0, :, 0, 0].tolist() == [1, 0, 0.5]


def test_the_reference_view_of_stored_parameters_has_a_neutral_face(world: World, ann: StoredFace) -> None:
    fitter = fitter_of("fast", "laptop")
    image = rendered(fitter, reference_view(parameters_of("fast", [ann], fitter))).images
    assert image[0, :, 0, 0].tolist() == [0.5, 0.25, 0]


def test_parameters_come_in_the_order_of_the_faces(world: World, ann: StoredFace) -> None:
    fitter = fitter_of("fast", "laptop")
    other = dataclasses.replace(ann, parameters=judged.vectors([0, 0, 1], [0, 0, 0]))
    shown = parameters_of("fast", [ann, other], fitter)
    assert shown._fields == Parameters._fields
    assert shown.identity.tolist() == [[0.5, 0.25, 0], [0, 0, 1]]


def test_the_mean_face_is_made_of_photographs_not_of_stored_parameters(world: World, ann: StoredFace) -> None:
    fitter = fitter_of(MEAN_FACE, "laptop")
    bare = dataclasses.replace(ann, parameters=None)
    assert parameters_of(MEAN_FACE, [bare], fitter).identity.tolist() == [[0.5, 0.5, 0.5]]


def test_the_mean_faces_models_are_those_whose_latent_0_is_the_mean_texture(world: World) -> None:
    fitter_of(MEAN_FACE, "laptop")
    assert list(world.fitters) == [("pcafit",)]


def test_a_crop_is_the_photograph_as_it_was_fitted(ann: StoredFace) -> None:
    face = crop(ann, SIZE)
    assert (face.image.reshape(-1, 3) == RED).all()
    np.testing.assert_allclose(face.landmarks, TEMPLATE_68 * SIZE, atol=1e-3)


def test_the_crops_landmarks_are_known_without_the_photograph(ann: StoredFace) -> None:
    turned = np.array([[0.8, -0.6], [0.6, 0.8]])
    rng = np.random.default_rng(0)
    assert ann.landmarks is not None
    landmarks = (ann.landmarks @ turned.T + rng.normal(size=(68, 2)) + 40).astype(np.float32)
    face = dataclasses.replace(ann, landmarks=landmarks)
    np.testing.assert_allclose(crop_landmarks(face, SIZE), crop(face, SIZE).landmarks, atol=1e-4)
    gone = dataclasses.replace(face, unit=Unit("ann.png", Path("/nowhere.png")))
    np.testing.assert_array_equal(crop_landmarks(gone, SIZE), crop_landmarks(face, SIZE))
    with pytest.raises(PhotoError):
        crop(gone, SIZE)


def test_landmarks_follow_a_photograph_that_is_reduced(tmp_path: Path, ann: StoredFace) -> None:
    Image.new("RGB", (2 * MAX_SIDE, MAX_SIDE), RED).save(tmp_path / "large.png")
    large = dataclasses.replace(ann, unit=Unit("large.png", tmp_path / "large.png"))
    pixels, landmarks = photograph(large)
    assert pixels.shape == (MAX_SIDE // 2, MAX_SIDE, 3)
    assert ann.landmarks is not None
    np.testing.assert_array_equal(landmarks, ann.landmarks / 2)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"content_sha256": "another"}, False),
        ({"landmarks": np.zeros((68, 2), np.float32)}, False),
        ({"result_key": "another"}, True),
    ],
)
def test_the_key_of_a_photograph_is_its_content_and_its_landmarks(
    change: dict[str, Any], same: bool, ann: StoredFace
) -> None:
    assert (photograph_key(dataclasses.replace(ann, **change)) == photograph_key(ann)) == same
