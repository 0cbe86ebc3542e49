"""A tracked head, rendered frame by frame, and the pictures that show how it lies over the video."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from ganfit_core.close_up import CloseUps, close_ups
from ganfit_core.fitting import GREY_ALBEDO, GREY_LIGHT
from ganfit_core.morphable import MorphableModel
from ganfit_core.renderer import Renderer, Rendering, sample_texture
from ganfit_core.shading import phong
from ganfit_core.tracking import Track
from ganfit_core.unwrap import face_weight
from ganfit_core.video_light import LightEvidence, light_evidence, unit_light

PANEL = 640
"""Longest side of a panel of the overlay, px."""


class Head(NamedTuple):
    """A person, as all frames share it."""

    identity: Float[Tensor, " ns"]
    """p_s, standard deviations."""
    texture: UInt8[np.ndarray, "r r 3"]
    """UV map."""


class HeadView:
    """Renders the frames of a track on squares that the head fills.

    Args:
        model: on the device where to render.
        size: side of the squares, px.
    """

    def __init__(self, model: MorphableModel, head: Head, track: Track, size: int) -> None:
        self.model, self.size = model, size
        device = model.mean.device
        self._identity = head.identity.to(device)[None]
        self._expression = track.expression.to(device)
        texture = torch.from_numpy(head.texture).to(device).permute(2, 0, 1)[None].float() / 255
        weight = face_weight(model, texture.shape[-1]).to(device)
        self._texture, self._weight = texture, weight[None, None]
        neutral = model(self._identity, torch.zeros_like(self._expression[:1]))[0]
        centre = (neutral.amin(dim=0) + neutral.amax(dim=0)) / 2
        radius = float((neutral - centre).norm(dim=1).max())
        self.views = close_ups(track.camera.to(device), centre, radius)
        self._renderer = Renderer(model.faces, model.uvs, model.uv_faces, size).to(device)

    @torch.no_grad()
    def textured(self, rows: list[int], light: Float[Tensor, "n 9"]) -> Rendering:
        """Some frames under these lights."""
        texture = self._texture.expand(len(rows), -1, -1, -1)
        return self._renderer(self._vertices(rows), texture, self.views.camera[rows], light.to(texture))

    @torch.no_grad()
    def compared(self, rendering: Rendering) -> Float[Tensor, "n 1 s s"]:
        """How much of each pixel is the face without cranium, ears and neck, fading out at its border."""
        weight = self._weight.expand(len(rendering.uv), -1, -1, -1)
        return (
            sample_texture(weight, rendering.uv.flatten(1, 2)).mT.unflatten(2, rendering.uv.shape[1:3]) * rendering.mask
        )

    def light_evidence(
        self, rows: list[int], images: list[UInt8[np.ndarray, "h w 3"]], position: Float[Tensor, "n 3"]
    ) -> LightEvidence:
        """What some frames say of a lamp that stands at these places of the model frame."""
        rendering = self.textured(rows, unit_light(position))
        squares = [self.views.square(row, image, self.size) for row, image in zip(rows, images, strict=True)]
        photo = torch.from_numpy(np.stack(squares)).to(rendering.image.device).permute(0, 3, 1, 2).float() / 255
        return LightEvidence(
            *(part.cpu() for part in light_evidence(photo, rendering.image, rendering.albedo, self.compared(rendering)))
        )

    def _vertices(self, rows: list[int]) -> Float[Tensor, "n v 3"]:
        return self.model(self._identity.expand(len(rows), -1), self._expression[rows])


class Layers(NamedTuple):
    """What to lay over a frame: renderings on its square, RGBA from 0 to 1, premultiplied."""

    views: CloseUps
    row: int
    """Of the frame in `views`."""
    face: Float32[np.ndarray, "s s 4"]
    """The textured face."""
    shape: Float32[np.ndarray, "s s 4"]
    """The whole head in grey."""


def grey(rendering: Rendering, camera: Float[Tensor, "n 10"]) -> Float[Tensor, "n 3 s s"]:
    """The bare shape of what was rendered, under the grey light of still pictures: its lamp and the camera are so far
    away that all points are lit and seen as the origin is."""
    normals = rendering.normals.flatten(2)
    light = normals.new_tensor(GREY_LIGHT).expand(len(normals), -1)
    shaded = phong(torch.full_like(normals, GREY_ALBEDO), normals, torch.zeros_like(normals), light, camera[:, :3])
    return shaded.unflatten(2, rendering.normals.shape[2:]) * rendering.mask


def layers(view: HeadView, rows: list[int], light: Float[Tensor, "n 9"]) -> list[Layers]:
    """The layers of some frames."""
    rendering = view.textured(rows, light)
    shape = grey(rendering, view.views.camera[rows])
    faces, shapes = (
        torch.cat([image.clamp(0, 1) * share, share], dim=1).permute(0, 2, 3, 1).cpu().numpy()
        for image, share in ((rendering.image, view.compared(rendering)), (shape, rendering.mask))
    )
    return [Layers(view.views, row, face, shape) for row, face, shape in zip(rows, faces, shapes, strict=True)]


def panels(frame: UInt8[np.ndarray, "h w 3"], layer: Layers | None) -> UInt8[np.ndarray, "h2 w2 3"]:
    """The plain frame, the face over it and the shape over it, side by side; three plain ones without a face.

    Longer sides than PANEL are reduced to it; sides are even, as video formats want them.
    """
    scale = min(1.0, PANEL / max(frame.shape[:2]))
    height, width = (2 * max(1, int(side * scale / 2)) for side in frame.shape[:2])
    plain = frame
    if frame.shape[:2] != (height, width):
        plain = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
    if layer is None:
        return np.concatenate([plain] * 3, axis=1)
    shown = [plain]
    for square in (layer.face, layer.shape):
        over = layer.views.image(layer.row, square, (height, width))
        mixed = 255 * over[..., :3] + (1 - over[..., 3:]) * plain
        shown.append(mixed.round().clip(0, 255).astype(np.uint8))
    return np.concatenate(shown, axis=1)
