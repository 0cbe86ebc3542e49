"""Files a training run leaves: atomic checkpoints and sheets of samples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` so that a kill at any moment leaves either the old file or the new one."""
    temporary = path.with_suffix(path.suffix + ".part")
    with open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are accepted."""
    return torch.load(path, map_location="cpu", weights_only=True)


def write_sheet(path: Path, images: Float[Tensor, "n 3 r r"], columns: int = 8) -> None:
    """Write images in [0, 1] as one PNG, row by row; `n` must be a multiple of `columns`."""
    n, _, r, _ = images.shape
    grid = images.cpu().reshape(n // columns, columns, 3, r, r).permute(0, 3, 1, 4, 2)
    pixels = (grid.reshape(n // columns * r, columns * r, 3) * 255).round().to(torch.uint8).numpy()
    encoded = cv2.imencode(".png", np.ascontiguousarray(pixels[..., ::-1]))[1]
    path.write_bytes(encoded.tobytes())
