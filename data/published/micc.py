"""What the numbers on MICC Florence have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from data.faces_dataset import SETTINGS
from data.published.entry import Published

MICC_DATASET = "MICC Florence"
ERROR, COSINE = "error", "identity cosine"
"""Metrics of Table 1; each number is of one setting, which the dataset's name ends with."""

FROM_TEXT, GENOVA, DENG = "micc/ganfit-paper", "micc/genova", "micc/deng-paper"
"""How Gecer et al., Genova et al. and Deng et al. measure. The last is not `micc/deng`, which is a reading of
it: where the forehead is cut, and which scans and frames are taken, is known to its authors only."""


def named(setting: str) -> str:
    """Name of the data of one setting."""
    return f"{MICC_DATASET}, {setting}"


def errors(method: str, protocol: str, values: Sequence[float], source: str) -> Iterator[Published]:
    """A row of errors in mm: mean and standard deviation over the people, for each setting in turn."""
    for setting, mean, std in zip(SETTINGS, values[::2], values[1::2], strict=True):
        yield Published(method, named(setting), protocol, ERROR, "mm", mean, source, std)
