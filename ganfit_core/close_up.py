"""A head anywhere in a large image, seen on a small square: the camera turned onto it, and what that does to pixels.

Under a camera that only turns, an image changes by a homography (Hartley and Zisserman, Multiple View Geometry, Sec.
8.4). So the square is rendered with an ordinary camera p_c, and laid over the image exactly where it belongs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from torch import Tensor

from ganfit_core.camera import look_at


@dataclass(frozen=True, eq=False)
class CloseUps:
    """The views of some frames."""

    camera: Float[Tensor, "t 10"]
    """p_c of the squares."""
    homography: Float64[np.ndarray, "t 3 3"]
    """From the image to the square, both from -1 to 1 over the longest side, y down."""

    def square(self, row: int, image: NDArray[Any], size: int) -> NDArray[Any]:
        """The image (H, W, ...) as a frame's square of side `size` shows it; black beyond the image."""
        return cv2.warpPerspective(image, self._pixels(row, image.shape[:2], size), (size, size))

    def image(self, row: int, square: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
        """A frame's square laid into an image of (height, width) `shape`; zero around it."""
        back = np.linalg.inv(self._pixels(row, shape, len(square)))
        return cv2.warpPerspective(square, back, shape[::-1])

    def _pixels(self, row: int, shape: tuple[int, int], size: int) -> Float64[np.ndarray, "3 3"]:
        height, width = shape
        half = max(shape) / 2
        # OpenCV puts pixel centres at integers: half a pixel on both sides.
        from_pixels = np.array([[1, 0, (1 - width) / 2], [0, 1, (1 - height) / 2], [0, 0, half]]) / half
        to_pixels = np.array([[size / 2, 0, (size - 1) / 2], [0, size / 2, (size - 1) / 2], [0, 0, 1]])
        return np.asarray(to_pixels @ self.homography[row] @ from_pixels)


def close_ups(camera: Float[Tensor, "t 10"], centre: Float[Tensor, " 3"], radius: float) -> CloseUps:
    """Squares around a ball of the model frame (mm), from cameras of images whose longest side is that of p_c's image.

    The ball touches the squares' borders.
    """
    eye, up, focal = camera[:, :3], camera[:, 6:9], camera[:, 9:]
    distance = (centre - eye).norm(dim=1, keepdim=True)
    # The ball's outline is a circle whose half angle has this tangent.
    tangent = radius / (distance.square() - radius**2).clamp_min(1.0).sqrt()
    turned = torch.cat([eye, centre.expand_as(eye), up, 1 / tangent], dim=1)
    turn = (look_at(turned)[0] @ look_at(camera)[0].mT).double().cpu().numpy()
    there = np.concatenate([*[1 / tangent.double().cpu().numpy()] * 2, np.ones((len(camera), 1))], axis=1)
    back = np.concatenate([*[1 / focal.double().cpu().numpy()] * 2, np.ones((len(camera), 1))], axis=1)
    return CloseUps(turned, there[:, :, None] * turn * back[:, None, :])
