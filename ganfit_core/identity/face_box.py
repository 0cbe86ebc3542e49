"""Crops by a face detector's box rather than by landmarks, for networks that were trained on such crops."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from ganfit_core.identity.chip import extract_chip

# Where the box of MTCNN (Zhang et al., 2016; as packaged in facenet-pytorch 2.6.0) lies about the bounding box of the
# 68 landmarks, in the latter's width and height: medians over 400 photographs of LFW (folds 1 to 9). Their spread
# (interquartile range over 1.35) is 0.03, and 0.06 for the upper edge. The forehead, which has no landmarks, is inside.
_LEFT, _TOP, _RIGHT, _BOTTOM = 0.013, -0.349, -0.031, -0.037


def detector_box(landmarks: Float[Tensor, "b 68 2"]) -> tuple[Float[Tensor, "b 2"], Float[Tensor, "b 2"]]:
    """Centre and size of the upright box that MTCNN would draw around faces with these landmarks."""
    lowest, highest = landmarks.amin(dim=1), landmarks.amax(dim=1)
    extent = highest - lowest
    start = lowest + extent * extent.new_tensor((_LEFT, _TOP))
    end = highest + extent * extent.new_tensor((_RIGHT, _BOTTOM))
    return (start + end) / 2, end - start


def extract_box(
    images: Float[Tensor, "b c h w"], centre: Float[Tensor, "b 2"], size: Float[Tensor, "b 2"], side: int
) -> Float[Tensor, "b c s s"]:
    """An upright box of every image, stretched to a square of `side` pixels, black outside the image."""
    linear = torch.diag_embed(size / side)
    translation = (centre - size / 2).unsqueeze(2)
    return extract_chip(images, torch.cat([linear, translation], dim=2), side)
