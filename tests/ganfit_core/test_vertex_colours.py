"""Rendering colours per vertex into a part of a frame."""

from __future__ import annotations

import pytest
import torch

from ganfit_core.morphable import MorphableModel
from ganfit_core.renderer import Renderer
from ganfit_core.vertex_colours import render_patch, seen_faces
from tests.heads import AMBIENT, SHIPPED_MODEL, camera

SIZE = 96
LIGHT = torch.tensor([300.0, 300, 800, 0.5, 0.6, 0.7, 0.4, 0.3, 0.2])


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return MorphableModel.load(SHIPPED_MODEL)


def test_it_is_the_part_of_the_whole_rendering(model: MorphableModel) -> None:
    view = camera(yaw=30, focal=4.0)
    colour = torch.tensor([0.7, 0.5, 0.3])
    whole = Renderer(model.faces, model.uvs, model.uv_faces, SIZE)(
        model.mean[None], colour[None, :, None, None].expand(1, 3, 4, 4), view, LIGHT[None]
    )
    patch = render_patch(model.mean, model.faces, colour.expand(len(model.mean), 3), view[0], LIGHT, SIZE, samples=1)
    side = patch.image.shape[-1]
    assert 20 < side < SIZE
    rows, columns = slice(patch.top, patch.top + side), slice(patch.left, patch.left + side)
    torch.testing.assert_close(patch.coverage, whole.mask[0, :, rows, columns])
    torch.testing.assert_close(patch.image, whole.image[0, :, rows, columns], atol=1e-4, rtol=0)
    assert whole.mask.sum() == patch.coverage.sum()


def test_edges_are_softened_and_colours_interpolated() -> None:
    """A square of 100 mm before the camera, 10.5 pixels wide, under ambient light."""
    square = torch.tensor([[-50.0, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]])
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    colours = torch.tensor([[0.0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]])
    view = torch.tensor([0.0, 0, 1000, 0, 0, 0, 0, 1, 0, 10.5 / 100 * 1000 / 10])
    patch = render_patch(square, faces, colours, view, AMBIENT[0], 20, samples=8)
    assert patch.coverage.sum() == pytest.approx(10.5**2, rel=0.01)
    assert ((patch.coverage > 0.1) & (patch.coverage < 0.9)).any()
    middle = patch.image.shape[-1] // 2
    row = patch.image[:, middle, 2:-2]
    torch.testing.assert_close(row[0].diff(), torch.full((row.shape[1] - 1,), 1 / 10.5), atol=1e-3, rtol=0)
    torch.testing.assert_close(row[2], torch.ones_like(row[2]))


def test_what_is_beyond_the_frame_is_left_out(model: MorphableModel) -> None:
    view = camera(focal=4.0)
    view[:, 0] += 180
    view[:, 3] += 180  # the head is at the left edge
    patch = render_patch(model.mean, model.faces, torch.ones_like(model.mean), view[0], LIGHT, SIZE)
    assert patch.left == 0
    assert patch.coverage[:, :, 0].max() == 1
    assert patch.left + patch.image.shape[-1] <= SIZE


def test_a_camera_sees_its_side_of_a_cube() -> None:
    corners = torch.cartesian_prod(*[torch.tensor([-50.0, 50.0])] * 3)
    sides = [(1, 5, 7, 3), (4, 0, 2, 6), (5, 4, 6, 7), (0, 1, 3, 2), (3, 7, 6, 2), (0, 4, 5, 1)]
    faces = torch.tensor([triangle for a, b, c, d in sides for triangle in ((a, b, c), (a, c, d))])
    front, right = camera(), camera(yaw=90)
    assert seen_faces(corners, faces, front, 64).nonzero().flatten().tolist() == [0, 1]
    assert seen_faces(corners, faces, torch.cat([front, right]), 64).nonzero().flatten().tolist() == [0, 1, 4, 5]
