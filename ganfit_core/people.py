"""Which photographs of a batch show the same person (Fast-GANFIT, Sec. 3.5)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class People:
    """The persons on the photographs of a batch.

    Args:
        numbers: one for each photograph, the same where the same person is shown.

    Attributes:
        of: (B,) the person on each photograph, counted from 0 in the order in which they come.
        first: (P,) the first photograph of each person.
    """

    def __init__(self, numbers: Sequence[int]) -> None:
        order = {number: person for person, number in enumerate(dict.fromkeys(numbers))}
        self.of = torch.tensor([order[number] for number in numbers], dtype=torch.long)
        self.first = torch.tensor([list(numbers).index(number) for number in order], dtype=torch.long)
        # As a matrix: a sum by index is not reproducible on an accelerator.
        self._shown = (torch.arange(len(order))[:, None] == self.of[None]).float()

    @classmethod
    def alone(cls, photographs: int) -> People:
        """Everyone is shown once."""
        return cls(range(photographs))

    def mean(self, values: Float[Tensor, "n *d"], rows: Int64[Tensor, " n"] | None = None) -> Float[Tensor, "n *d"]:
        """Each photograph's value replaced by the mean over the photographs of its person (Eq. 14).

        The paper prints the sum and speaks of averaging; the mean is what keeps the model's scale.

        Photographs of one person get the very same numbers.

        Args:
            values: of all photographs, or of those in `rows`.
            rows: some photographs; the others take no part.
        """
        of = self.of if rows is None else self.of[rows.cpu()]
        shown = self._shown if rows is None else self._shown[:, rows.cpu()]
        averaging = shown / shown.sum(dim=1, keepdim=True).clamp_min(1)
        return torch.tensordot(averaging.to(values), values, 1)[of]
