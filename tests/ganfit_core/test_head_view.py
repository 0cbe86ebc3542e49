"""A tracked head lies over the video where it is."""

from __future__ import annotations

import numpy as np
import torch

from ganfit_core.camera import look_at, project
from ganfit_core.fitting import GREY_ALBEDO, GREY_LIGHT
from ganfit_core.head_view import PANEL, Head, HeadView, grey, layers, panels
from ganfit_core.morphable import MorphableModel
from ganfit_core.tracking import Track, look_from
from ganfit_core.video_light import solve_light
from tests.heads import camera, renderer, smooth_texture

LIGHT = torch.tensor([[0.0, 250, 900, 0.5, 0.4, 0.3, 0.5, 0.5, 0.5]])
SIDE, HEIGHT = 320, 240
TEXTURE = (smooth_texture(5, side=64)[0].permute(1, 2, 0) * 255).round().byte().numpy()


def view(model: MorphableModel, size: int = 160) -> tuple[HeadView, Track]:
    """Two frames of a head at the left, with and without an expression."""
    rotation, shift = look_at(torch.cat([camera(15, 4, 4.0, 1100), camera(-10, 0, 4.0, 1100)]))
    cameras = look_from(rotation, shift + torch.tensor([-70.0, 20.0, 0.0]), 4.0)
    expression = torch.zeros(2, model.n_expression)
    expression[1, 0] = 2
    track = Track(expression, cameras, torch.zeros(2, 68, 2), torch.zeros(2))
    return HeadView(model, Head(torch.full((model.n_identity,), 0.2), TEXTURE), track, size), track


def whole(model: MorphableModel, track: Track) -> tuple[np.ndarray, np.ndarray]:
    """The same frames rendered in full, RGB in [0, 1] and mask, cut to the frame's height."""
    vertices = model(torch.full((2, model.n_identity), 0.2), track.expression)
    texture = torch.from_numpy(TEXTURE).permute(2, 0, 1)[None].float().expand(2, -1, -1, -1) / 255
    rendering = renderer(model, SIDE)(vertices, texture, track.camera, LIGHT.expand(2, -1))
    cut = slice((SIDE - HEIGHT) // 2, (SIDE + HEIGHT) // 2)
    return rendering.image.permute(0, 2, 3, 1).numpy()[:, cut], rendering.mask[:, 0].numpy()[:, cut] > 0


def test_the_panels_show_the_frame_the_face_and_the_shape(model: MorphableModel) -> None:
    head, track = view(model)
    frame = np.full((HEIGHT, SIDE, 3), (10, 200, 10), np.uint8)
    truth, mask = whole(model, track)
    for row, layer in enumerate(layers(head, [0, 1], LIGHT.expand(2, -1))):
        plain, face, shape = np.split(panels(frame, layer), 3, axis=1)
        np.testing.assert_array_equal(plain, frame)
        assert (np.abs(face.astype(int) - frame)[~mask[row]].max(axis=1) < 5).mean() > 0.998
        colourless = np.ptp(shape.astype(int), axis=2) < 3
        assert (colourless == mask[row]).mean() > 0.98
        landmarks = project(model.landmarks(head._vertices([row])), track.camera[row : row + 1], SIDE)[0, 17:, :2]
        x, y = (landmarks - torch.tensor([0.0, (SIDE - HEIGHT) / 2])).long().T.numpy()
        assert np.abs(face[y, x] / 255 - truth[row][y, x]).mean() < 0.03


def test_the_grey_shape_is_that_of_a_rendering_of_its_own(model: MorphableModel) -> None:
    head, _ = view(model)
    found = grey(head.textured([0, 1], LIGHT.expand(2, -1)), head.views.camera)
    texture, light = torch.full((2, 3, 2, 2), GREY_ALBEDO), torch.tensor(GREY_LIGHT).expand(2, -1)
    whole = renderer(model, 160)(head._vertices([0, 1]), texture, head.views.camera, light)
    assert ((found - whole.image).abs() * whole.mask).sum() / whole.mask.sum() / 3 < 0.03
    assert float((found * (1 - whole.mask)).abs().max()) == 0


def test_without_a_face_the_panels_are_plain_and_large_frames_are_reduced() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (90, 121, 3)).astype(np.uint8)
    assert panels(frame, None).shape == (90, 3 * 120, 3)
    large = np.full((1080, 1920, 3), 50, np.uint8)
    assert panels(large, None).shape == (360, 3 * PANEL, 3)
    assert panels(large, None).max() == panels(large, None).min() == 50
    even = frame[:, :120]
    np.testing.assert_array_equal(panels(even, None), np.concatenate([even] * 3, axis=1))


def test_the_light_of_a_rendered_video_is_found(model: MorphableModel) -> None:
    head, track = view(model, size=96)
    truth, _ = whole(model, track)
    images = [(255 * image).round().clip(0, 255).astype(np.uint8) for image in truth]
    evidence = head.light_evidence([0, 1], images, LIGHT[:, :3].expand(2, -1))
    found = solve_light(LIGHT[:, :3].expand(2, -1), evidence, torch.full((6,), 0.5), torch.zeros(2, dtype=torch.long))
    torch.testing.assert_close(found, LIGHT.expand(2, -1), atol=0.06, rtol=0)
