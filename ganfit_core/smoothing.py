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

    blocks = torch.zeros(len(evidence) // 2, 2 * n, 2 * n).to(evidence)
    blocks[:, :n, :n], blocks[:, n:, n:] = (information + torch.diag_embed(with_itself)).unflatten(0, (-1, 2)).unbind(1)
    inner = torch.diag_embed(with_next[0::2])
    blocks[:, :n, n:], blocks[:, n:, :n] = inner, inner
    coupling = torch.zeros_like(blocks)
    coupling[:, :n, :n] = torch.diag_embed(with_next_but_one[0::2])
    coupling[:, n:, :n] = torch.diag_embed(with_next[1::2])
    coupling[:, n:, n:] = torch.diag_embed(with_next_but_one[1::2])

    right = evidence.reshape(-1, 2 * n, 1)
    factors, links, found = [], [], []
    block, value = blocks[0], right[0]
    for index in range(len(blocks)):
        factor = torch.linalg.cholesky(block)
        value = torch.linalg.solve_triangular(factor, value, upper=False)
        link = torch.linalg.solve_triangular(factor, coupling[index], upper=False)
        factors.append(factor)
        links.append(link)
        found.append(value)
        if index + 1 < len(blocks):
            block = blocks[index + 1] - link.T @ link
            value = right[index + 1] - link.T @ value
    x = torch.zeros_like(value)
    for index in reversed(range(len(blocks))):
        x = torch.linalg.solve_triangular(factors[index].T, found[index] - links[index] @ x, upper=True)
        found[index] = x
    return torch.stack(found).reshape(-1, n)[:frames]
