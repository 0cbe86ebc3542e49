"""Checkpoints of a training run, written atomically."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch


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
