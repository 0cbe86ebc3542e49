"""Gecer et al., "GANFIT: Generative Adversarial Network Fitting for High Fidelity 3D Face Reconstruction" (2019)."""

from __future__ import annotations

from collections.abc import Iterator

from data.published.entry import Published
from data.published.micc import FROM_TEXT, errors


def numbers() -> Iterator[Published]:
    """The paper's own row of Table 1; the others stand in Fast-GANFIT's Table 1 as well and are recorded there.

    The standard deviations are smaller than those of the later paper; neither says why.
    """
    own = (0.95, 0.107, 0.94, 0.106, 0.94, 0.106)
    yield from errors("GANFIT (CVPR 2019)", FROM_TEXT, own, "Gecer et al., GANFIT (CVPR 2019), Table 1")
