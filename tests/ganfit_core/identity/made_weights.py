"""Weights that anyone can make again, in the place of published ones that cannot be shipped."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from torch import Tensor, nn


@torch.no_grad()
def fill_by_name(layers: nn.Module) -> None:
    """Fill every tensor, in the order of the names, with numbers that keep activations near one.

    The same are written into another program's module of the same tensors: what it answers is then what ours must.
    """
    for number, (_, tensor) in enumerate(sorted(layers.state_dict().items())):
        if not tensor.is_floating_point():
            continue
        random = np.random.default_rng(number)
        if tensor.ndim > 1:
            # an outer product: as good for telling layers apart, and quick for a hundred million numbers
            fan_in = tensor[0].numel()
            rows, columns = random.standard_normal(len(tensor)), random.standard_normal(fan_in)
            values = torch.outer(_float(rows), _float(columns) * fan_in**-0.5).reshape(tensor.shape)
        else:
            values = _float(random.uniform(0.5, 1.0, len(tensor)))
        tensor.copy_(values)


def signature(state: dict[str, Tensor]) -> tuple[int, str]:
    """Number of the tensors, and a hash of their names and shapes."""
    lines = sorted(f"{name} {tuple(tensor.shape)}" for name, tensor in state.items())
    return len(lines), hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def crop(side: int) -> Tensor:
    """(1, 3, side, side) that is neither flat nor symmetric nor the same in any two channels."""
    ramp = torch.arange(side, dtype=torch.float32) / side
    x, y = torch.meshgrid(ramp, ramp, indexing="xy")
    return torch.stack([x * y, 0.5 + 0.5 * torch.sin(9 * x + 4 * y), 1 - y**2])[None]


def _float(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))
