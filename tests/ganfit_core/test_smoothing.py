"""The solver over time equals a dense one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ganfit_core.smoothing import solve_smooth


def dense(information: Tensor, evidence: Tensor, stiffness: Tensor, runs: Tensor) -> Tensor:
    """The same minimum from the whole matrix, window by window."""
    frames, n = evidence.shape
    matrix = torch.zeros(frames, n, frames, n, dtype=evidence.dtype)
    for t in range(frames):
        matrix[t, :, t, :] += information[t]
    for t in range(frames - 2):
        if runs[t] == runs[t + 1] == runs[t + 2]:
            second = torch.tensor([1.0, -2.0, 1.0], dtype=evidence.dtype)
            for i in range(3):
                for j in range(3):
                    matrix[t + i, :, t + j, :] += second[i] * second[j] * torch.diag(stiffness)
    return torch.linalg.solve(matrix.view(frames * n, -1), evidence.flatten()).view(frames, n)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 9, 12])
@pytest.mark.parametrize("breaks", [False, True])
def test_it_equals_the_dense_solution(frames: int, breaks: bool) -> None:
    generator = torch.Generator().manual_seed(frames)
    factor = torch.randn(frames, 4, 4, generator=generator, dtype=torch.float64)
    information = factor @ factor.mT + 0.1 * torch.eye(4)
    evidence = torch.randn(frames, 4, generator=generator, dtype=torch.float64)
    stiffness = torch.tensor([0.0, 1.0, 30.0, 1e4], dtype=torch.float64)
    runs = (torch.arange(frames) // 4) if breaks else torch.zeros(frames, dtype=torch.long)
    found = solve_smooth(information, evidence, stiffness, runs)
    torch.testing.assert_close(found, dense(information, evidence, stiffness, runs), rtol=1e-7, atol=1e-9)


def test_steady_motion_is_left_as_it_is_and_runs_do_not_touch() -> None:
    motion = torch.cat([torch.arange(6.0), 100 - 3 * torch.arange(5.0)])[:, None].double()
    runs = torch.tensor([0] * 6 + [1] * 5)
    found = solve_smooth(torch.eye(1).double().repeat(11, 1, 1), motion, torch.tensor([1e3]).double(), runs)
    torch.testing.assert_close(found, motion)
