"""Principal components of more data than fit into memory (Ross et al. 2008, "Incremental Learning for Robust Visual
Tracking", Sec. 3.1: the sequential Karhunen-Loeve algorithm of Levy & Lindenbaum 2000)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_COLUMNS = 4096


class IncrementalPCA:
    """Singular value decomposition of rows that arrive in chunks, centred beforehand.

    After each chunk only the `kept` largest directions remain, so memory is `kept` + chunk rows. With more directions
    kept than asked for in the end, what is cut off on the way hardly matters: not at all while there are no more rows
    than `kept`.
    """

    def __init__(self, kept: int) -> None:
        self.kept = kept
        self.rows = 0
        self.total = 0.0
        """Sum of squares of all rows."""
        self.scaled: Tensor | None = None
        """(k, f) right singular vectors times their singular values, the largest first."""

    def update(self, chunk: Float[Tensor, "n f"]) -> None:
        """Take in more rows."""
        self.rows += len(chunk)
        self.total += float(chunk.square().sum(dtype=torch.float64))
        # Stacked under the scaled directions so far, the new rows have the covariance of all rows.
        stacked = chunk if self.scaled is None else torch.cat([self.scaled, chunk])
        # Fewer rows than columns: the eigenvectors of the small Gram matrix are the left singular vectors.
        # Its float32 products are summed in float64: small components are differences of large numbers.
        gram = sum((part @ part.T).double() for part in stacked.split(_COLUMNS, dim=1))
        _, vectors = torch.linalg.eigh(gram)
        self.scaled = vectors.flip(1)[:, : self.kept].T.float() @ stacked

    def components(self, count: int) -> Float[Tensor, "count f"]:
        """The first directions times the standard deviations of the rows along them.

        Raises ValueError for more than there are rows.
        """
        if self.scaled is None or count > min(len(self.scaled), self.rows):
            raise ValueError(f"{count} components cannot be learnt from {self.rows} maps")
        return self.scaled[:count] / self.rows**0.5

    def explained(self, count: int) -> float:
        """Share of the variance that the first `count` directions hold."""
        return 0.0 if self.scaled is None else float(self.scaled[:count].square().sum(dtype=torch.float64)) / self.total
