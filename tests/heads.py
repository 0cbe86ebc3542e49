"""Views and textures of the shipped head, for tests that render it."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from ganfit_core.morphable import MorphableModel
from ganfit_core.renderer import Renderer

SHIPPED_MODEL = Path(__file__).parents[1] / "data" / "open" / "morphable.safetensors"

AMBIENT = torch.tensor([[0.0, 0, 900, 0, 0, 0, 1, 1, 1]])
"""Light under which a rendering shows the bare texture."""


def camera(yaw: float = 0.0, pitch: float = 0.0, focal: float = 5.0, distance: float = 900.0) -> Tensor:
    """(1, 10) looking at the head's centre, from the subject's left for a positive yaw; degrees and mm."""
    a, b = math.radians(yaw), math.radians(pitch)
    eye = [math.sin(a) * math.cos(b) * distance, math.sin(b) * distance, math.cos(a) * math.cos(b) * distance]
    return torch.tensor([[*eye, 0, 0, 0, 0, 1, 0, focal]])


def renderer(model: MorphableModel, size: int) -> Renderer:
    """For the shipped topology."""
    return Renderer(model.faces, model.uvs, model.uv_faces, size)


def smooth_texture(seed: int, side: int = 64, batch: int = 1) -> Tensor:
    """(batch, 3, side, side) in [0.2, 0.8]: random values on a coarse grid, interpolated."""
    coarse = torch.rand(batch, 3, 9, 9, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic", align_corners=True)
    return 0.2 + 0.6 * fine.clamp(0, 1)
