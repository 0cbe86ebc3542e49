"""What is recorded of a published number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PURE = "1"
"""Unit of a number without one."""
Relation = Literal["=", ">"]


@dataclass(frozen=True)
class Published:
    """One published number; the fields are the columns of the table `published`."""

    method: str
    """As the source names it; where that is "Ours", the name of the publication's method."""
    dataset: str
    protocol: str
    """Id of how it was measured. One of docs/protocols.md only where that is how the source measures, too."""
    metric: str
    unit: str
    value: float
    source: str
    """Publication and table."""
    std: float | None = None
    """Standard deviation, where the source prints one beside the value."""
    relation: Relation = "="
    """">" where the source says no more than that the number is larger than `value`."""
