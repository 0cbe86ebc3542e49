"""Peers' numbers, from their repositories."""

from __future__ import annotations

from collections.abc import Iterator

from data.published.entry import Published
from data.published.micc import DENG, ERROR, MICC_DATASET

_TENSORFLOW = "README of microsoft/Deep3DFaceReconstruction"
_PYTORCH = "README of sicxu/Deep3DFaceRecon_pytorch"

# The same method of Genova et al. has 1.50 by its own authors' protocol (micc/genova): the authors of Deng et al. tell
# why in issue 23 of their repository.
_FLORENCE = (
    ("Genova et al.", 1.77, 0.53, _TENSORFLOW),
    ("Deng et al. (TensorFlow)", 1.67, 0.50, _TENSORFLOW),
    ("Deng et al. (PyTorch)", 1.53, 0.45, _PYTORCH),
)


def numbers() -> Iterator[Published]:
    """Errors on MICC Florence as Deng et al. measure them, settings not told apart."""
    for method, mean, std, source in _FLORENCE:
        yield Published(method, MICC_DATASET, DENG, ERROR, "mm", mean, source, std)
