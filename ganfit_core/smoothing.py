"""Least squares over time: what each frame says of its parameters, held together by their second differences."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def solve_smooth(
    information: Float[Tensor, "t n n"],
    evidence: Float[Tensor, "t n"],
    stiffness: Float[Tensor, " n"],
    runs: Int64[Tensor, " t"],
) -> Float[Tensor, "t n"]:
    """The minimum of sum_t (x_t' A_t x_t / 2 - b_t' x_t) + sum_t sum_n k_n (x_{t-1} - 2 x_t + x_{t+1})_n^2 / 2.

    Second differences couple a frame with two on either side, so that pairs of frames are coupled with the next pair
    alone: the matrix is block tridiagonal, and its Cholesky factor is found pair by pair (Golub and Van Loan, Matrix
    Computations, Sec. 4.5), in time and memory that grow with the number of frames.

    Args:
        information: A, symmetric and positive definite.
        evidence: b.
        stiffness: k; 0 leaves a parameter's frames independent.
        runs: frames with the same number follow each other; between different ones nothing is smoothed.
    """
    frames, n = evidence.shape
    # An even number of frames; the one that is added has no part in anything.
    odd = frames % 2
    information = torch.cat([information, torch.eye(n).to(evidence).expand(odd, n, n)])
    evidence = functional.pad(evidence, (0, 0, 0, odd))
    window = torch.zeros(frames + odd + 2).to(evidence)
    window[: max(frames - 2, 0)] = ((runs[:-2] == runs[1:-1]) & (runs[1:-1] == runs[2:])).to(evidence)
    before, middle = window.roll(2)[:-2], window.roll(1)[:-2]
    ahead = window[:-2]
    with_itself = (before + 4 * middle + ahead)[:, None] * stiffness
    with_next = -2 * (ahead + middle)[:, None] * stiffness
    with_next_but_one = ahead[:, None] * stiffness

    factors: list[Tensor] = []
    links: list[Tensor] = []
    found: list[Tensor] = []
    for index in range(0, len(evidence), 2):
        block = torch.block_diag(information[index], information[index + 1])
        block.diagonal().add_(with_itself[index : index + 2].flatten())
        for corner in (block[:n, n:], block[n:, :n]):
            corner.diagonal().copy_(with_next[index])
        value = evidence[index : index + 2].reshape(-1, 1)
        if links:
            block = block - links[-1].mT @ links[-1]
            value = value - links[-1].mT @ found[-1]
        # The second frame of this pair is next to the first of the next one; the others are two apart.
        coupling = torch.diag_embed(with_next_but_one[index : index + 2].flatten())
        coupling[n:, :n].diagonal().copy_(with_next[index + 1])
        factor = torch.linalg.cholesky(block)
        factors.append(factor)
        links.append(torch.linalg.solve_triangular(factor, coupling, upper=False))
        found.append(torch.linalg.solve_triangular(factor, value, upper=False))
    x = torch.zeros_like(found[-1])
    for index in reversed(range(len(found))):
        x = torch.linalg.solve_triangular(factors[index].mT, found[index] - links[index] @ x, upper=True)
        found[index] = x
    return torch.stack(found).reshape(-1, n)[:frames]
