"""Checkpoints of a training run, written atomically."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch

from ganfit_core.export import replace_bytes


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write `state` so that a kill at any moment leaves either the old file or the new one."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    replace_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU; only tensors and plain values are accepted."""
    return torch.load(path, map_location="cpu", weights_only=True)
