"""Numbers from the literature that our results stand beside."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

GANFIT_FID = "fid/ganfit-paper"
"""FID of Fast-GANFIT, Table 2: random maps of a model against the maps that it was trained on. How many were drawn, the
mask and the resizing are not stated. The rows of CelebA-HQ are of photographs, not of UV maps."""


@dataclass(frozen=True)
class Published:
    """One published number; the fields are the columns of the table `published`."""

    method: str
    dataset: str
    protocol: str
    metric: str
    value: float
    source: str


_SOURCE = "Gecer et al., Fast-GANFIT (TPAMI 2021), Table 2"
_UV_MAPS, _PHOTOGRAPHS = "Ours (9358)", "CelebA-HQ (50K)"

PUBLISHED = tuple(
    Published(method, dataset, GANFIT_FID, "FID", value, _SOURCE)
    for method, dataset, value in (
        ("GAN", _PHOTOGRAPHS, 7.30),
        ("NVAE", _PHOTOGRAPHS, 40.26),
        ("PCA", _UV_MAPS, 65.80),
        ("VAE", _UV_MAPS, 120.44),
        ("NVAE", _UV_MAPS, 62.98),
        ("GAN", _UV_MAPS, 2.95),
    )
)
"""Every published number that this project cites."""


def rows() -> list[dict[str, Any]]:
    """The rows of the table `published`."""
    return [asdict(entry) for entry in PUBLISHED]


def uv_map_fid() -> dict[str, float]:
    """The paper's FID of texture models over UV maps, by the model's name in lower case."""
    return {entry.method.lower(): entry.value for entry in PUBLISHED if entry.dataset == _UV_MAPS}
