"""The optimiser of stage 2: Adam, with steps and an end of each image's own."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

BETAS = (0.9, 0.99)
WARM_UP = 5
"""Steps over which a row's learning rates rise: the first ones of Adam are as long for numbers that hardly matter as
for those that do, and would throw an aligned face off its landmarks."""
_EPSILON = 1e-8


class RowAdam:
    """Adam (Kingma and Ba, ICLR 2015) over the rows of a matrix, each with a learning rate of its own.

    A row that is left out of a step keeps its numbers and its moments, momentum included.

    Args:
        numbers: a leaf, changed in place; its gradient is zeroed by every step.
        rates: learning rate of each column.
    """

    def __init__(self, numbers: Float[Tensor, "b d"], rates: Float[Tensor, " d"]) -> None:
        self.numbers, self.rates = numbers, rates
        self._first, self._second = torch.zeros_like(numbers), torch.zeros_like(numbers)
        self._steps = torch.zeros(len(numbers), 1, device=numbers.device)

    @torch.no_grad()
    def step(self, rows: Int64[Tensor, " n"], factors: Float[Tensor, " n"]) -> None:
        """Move some rows against their gradients, at `factors` times the columns' rates."""
        if self.numbers.grad is None:
            raise ValueError("there is no gradient to follow")
        gradient = self.numbers.grad[rows]
        self._steps[rows] += 1
        self._first[rows] = self._first[rows].lerp(gradient, 1 - BETAS[0])
        self._second[rows] = self._second[rows].lerp(gradient.square(), 1 - BETAS[1])
        mean = self._first[rows] / (1 - BETAS[0] ** self._steps[rows])
        deviation = (self._second[rows] / (1 - BETAS[1] ** self._steps[rows])).sqrt()
        warmth = (self._steps[rows] / WARM_UP).clamp_max(1)
        self.numbers[rows] -= warmth * factors[:, None] * self.rates * mean / (deviation + _EPSILON)
        self.numbers.grad = None


class Plateau:
    """Shortens an image's steps when its energy stops falling, and ends it when that no longer helps.

    Args:
        batch: number of images.
        tolerance: relative fall of the energy that counts.
        patience: steps without such a fall that make a plateau.
        factors: of the learning rate, one after the other; at the plateau of the last one an image has converged.
    """

    def __init__(self, batch: int, tolerance: float, patience: int, factors: tuple[float, ...]) -> None:
        self.tolerance, self.patience = tolerance, patience
        self._factors = torch.tensor(factors)
        self._stage = torch.zeros(batch, dtype=torch.long)
        self._best = torch.full((batch,), torch.inf)
        self._since = torch.zeros(batch, dtype=torch.long)

    def factors(self, rows: Int64[Tensor, " n"]) -> Float[Tensor, " n"]:
        """What the learning rates of some images are multiplied by now."""
        return self._factors[self._stage[rows]]

    def converged(self, rows: Int64[Tensor, " n"], energies: Float[Tensor, " n"]) -> Bool[Tensor, " n"]:
        """Take note of the energies of some images after another step; which of them have converged?"""
        fell = energies < self._best[rows] * (1 - self.tolerance)
        self._best[rows] = torch.where(fell, energies, self._best[rows])
        self._since[rows] = torch.where(fell, 0, self._since[rows] + 1)
        flat = self._since[rows] >= self.patience
        last = self._stage[rows] == len(self._factors) - 1
        self._stage[rows] += (flat & ~last).long()
        self._since[rows] = torch.where(flat, 0, self._since[rows])
        return flat & last
