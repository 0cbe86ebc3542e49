"""Unwrapping renderings of the shipped head whose texture is known."""

import pytest
import torch
from torch import Tensor

from ganfit_core.camera import project
from ganfit_core.complete import mirrored
from ganfit_core.morphable import MorphableModel
from ganfit_core.unwrap import Unwrapped, Unwrapper, uv_fragments, uv_region
from tests.heads import AMBIENT, camera, renderer, smooth_texture

SIZE, RESOLUTION = 192, 64
FRONTAL, FROM_LEFT = camera(0), camera(60)


@pytest.fixture(scope="module")
def unwrapper(model: MorphableModel) -> Unwrapper:
    return Unwrapper(model, RESOLUTION, SIZE)


@pytest.fixture(scope="module")
def texture() -> Tensor:
    return smooth_texture(0, RESOLUTION)


def photograph(model: MorphableModel, texture: Tensor, view: Tensor) -> Tensor:
    """The unlit texture, on black."""
    vertices = model.mean.expand(len(view), -1, -1)
    shown = texture.expand(len(view), -1, -1, -1)
    return renderer(model, SIZE)(vertices, shown, view, AMBIENT.expand(len(view), -1)).image


def unwrap(model: MorphableModel, unwrapper: Unwrapper, texture: Tensor, view: Tensor) -> Unwrapped:
    return unwrapper(photograph(model, texture, view), model.mean.expand(len(view), -1, -1), view)


@pytest.fixture(scope="module")
def both(model: MorphableModel, unwrapper: Unwrapper, texture: Tensor) -> Unwrapped:
    """Frontal, and turned by 60 degrees."""
    return unwrap(model, unwrapper, texture, torch.cat([FRONTAL, FROM_LEFT]))


def test_shapes_and_ranges(both: Unwrapped) -> None:
    assert both.texture.shape == both.normals.shape == (2, 3, RESOLUTION, RESOLUTION)
    assert both.confidence.shape == (2, 1, RESOLUTION, RESOLUTION)
    assert all(torch.isfinite(part).all() for part in both)
    assert both.confidence.min() == 0
    assert both.confidence.max() == 1


def test_rendered_texture_comes_back(both: Unwrapped, texture: Tensor) -> None:
    for row in range(2):
        sure = both.confidence[row] > 0.8
        assert sure.float().mean() > 0.2
        error = (both.texture[row] - texture[0]).abs().mean(dim=0, keepdim=True)[sure]
        assert error.mean() < 0.03
        assert error.quantile(0.95) < 0.06


def test_unseen_texels_are_black_and_worthless(both: Unwrapped) -> None:
    assert not (both.texture * (both.confidence == 0)).any()


def test_turned_away_side_is_not_believed(model: MorphableModel, both: Unwrapped) -> None:
    """From 60 degrees to the subject's left, the right ear and the right cheek are hidden."""
    for left, place in ((True, model.mean[:, 0] > 45), (False, model.mean[:, 0] < -45)):
        texels = uv_region(model, place & (model.mean[:, 2] > -20), RESOLUTION)
        assert texels.sum() > 30
        seen = both.confidence[1, 0][texels] > 0
        assert seen.float().mean() > 0.8 if left else not seen.any()
        frontal = both.confidence[0, 0][texels] > 0
        assert frontal.any()


def test_hidden_surfaces_that_face_the_camera_are_not_believed(model: MorphableModel, unwrapper: Unwrapper) -> None:
    """From far to the left, the side of the nose hides parts of the right eye that still face the camera."""
    view = camera(70)
    photo = torch.ones(1, 3, SIZE, SIZE)
    confidence = unwrapper(photo, model.mean[None], view).confidence[0, 0]
    points = model.mean[None]
    behind = renderer(model, SIZE)(points, torch.ones(1, 3, 2, 2), view, AMBIENT)
    screen = project(points, view, SIZE)[0]
    column, row = (screen[:, :2].long().clamp(0, SIZE - 1)).unbind(1)
    hidden = screen[:, 2] > behind.depth[0, 0, row, column] + 15
    right_eye_and_cheek = hidden & model.regions["face"] & (model.mean[:, 0] < -5)
    texels = uv_region(model, right_eye_and_cheek, RESOLUTION)
    assert texels.sum() > 20
    assert (confidence[texels] == 0).float().mean() > 0.95


def test_parts_outside_the_photo_are_not_believed(model: MorphableModel, unwrapper: Unwrapper, texture: Tensor) -> None:
    near = camera(0, focal=15)  # 60 mm of the head fill the half side
    found = unwrap(model, unwrapper, texture, near)
    vertices = model.mean
    outside = (vertices[:, :2].abs() > 65).any(dim=1)
    assert not found.confidence[0, 0][uv_region(model, outside, RESOLUTION)].any()
    sure = found.confidence[0] > 0.8
    assert sure.any()
    assert (found.texture[0] - texture[0]).abs().mean(dim=0, keepdim=True)[sure].mean() < 0.03


def test_mirrored_photo_gives_the_mirrored_map(model: MorphableModel, unwrapper: Unwrapper, texture: Tensor) -> None:
    view, mirror_view = camera(25), camera(-25)
    photo = photograph(model, texture, view)
    one = unwrapper(photo, model.mean[None], view)
    other = unwrapper(photo.flip(-1), model.mean[None], mirror_view)
    sure = (one.confidence > 0.5) & (mirrored(other.confidence) > 0.5)
    assert sure.float().mean() > 0.3
    difference = (one.texture - mirrored(other.texture)).abs().mean(dim=1, keepdim=True)
    assert difference[sure].mean() < 0.01
    assert (one.confidence - mirrored(other.confidence)).abs().mean() < 0.02


def test_batch_equals_singles(model: MorphableModel, unwrapper: Unwrapper, texture: Tensor, both: Unwrapped) -> None:
    for row, view in enumerate((FRONTAL, FROM_LEFT)):
        alone = unwrap(model, unwrapper, texture, view)
        for one, all_of_them in zip(alone, both, strict=True):
            torch.testing.assert_close(one[0], all_of_them[row], atol=1e-4, rtol=0)


def test_normals_are_those_of_the_model_frame(model: MorphableModel, both: Unwrapped) -> None:
    """Whatever the camera, the nose points to +z and the crown to +y."""
    torch.testing.assert_close(both.normals[0], both.normals[1], atol=1e-5, rtol=0)
    covered = uv_fragments(model, RESOLUTION).face_id[0] >= 0
    torch.testing.assert_close(both.normals[0].norm(dim=0)[covered], torch.ones(int(covered.sum())))
    front = uv_region(model, model.mean[:, 2] > 80, RESOLUTION)
    top = uv_region(model, model.mean[:, 1] > 100, RESOLUTION)
    assert both.normals[0, 2][front].mean() > 0.5
    assert both.normals[0, 1][top].mean() > 0.8


def test_regions_on_the_map(model: MorphableModel) -> None:
    everything = uv_region(model, torch.ones(len(model.mean), dtype=torch.bool), RESOLUTION)
    face = uv_region(model, model.regions["face"], RESOLUTION)
    assert torch.equal(everything, uv_fragments(model, RESOLUTION).face_id[0] >= 0)
    assert 0.45 < face.float().mean() < everything.float().mean() <= 1
    assert not (face & ~everything).any()
    # Row 0 is v = 1: the neck is at the bottom of the map.
    neck = uv_region(model, model.mean[:, 1] < model.mean[:, 1].min() + 30, RESOLUTION)
    assert neck.nonzero()[:, 0].float().mean() > 0.75 * RESOLUTION
