"""Numbers from the literature that our results stand beside."""

from __future__ import annotations

from collections.abc import Iterator
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

_FID_ROWS = tuple(
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

MICC_DATASET = "MICC Florence"
ERROR_MEAN, ERROR_STD, COSINE = "error mean, mm", "error standard deviation, mm", "identity cosine"
"""Metrics of Table 1; each stands for one setting, which the dataset's name ends with."""
_GANFIT_MICC, _GENOVA_MICC = "micc/ganfit-paper", "micc/genova"
_TABLE_1 = "Gecer et al., Fast-GANFIT (TPAMI 2021), Table 1"
_COPIED = f"{_TABLE_1}, which repeats Genova et al. (CVPR 2018)"
_MICC_SETTINGS = ("cooperative", "indoor", "outdoor")

# Errors as mean and standard deviation for each setting, then the cosine for each.
_MICC: tuple[tuple[str, str, str, tuple[float, ...]], ...] = (
    ("VAEFit", _GANFIT_MICC, _TABLE_1, (1.01, 0.24, 0.93, 0.18, 1.02, 0.26, 0.90, 0.88, 0.82)),
    ("Fast-VAEFit", _GANFIT_MICC, _TABLE_1, (1.37, 0.30, 1.17, 0.17, 1.43, 0.29, 0.85, 0.82, 0.78)),
    ("VAEFit++", _GANFIT_MICC, _TABLE_1, (0.96, 0.19, 0.96, 0.20, 0.99, 0.19, 0.91, 0.89, 0.85)),
    ("Tran et al.", _GENOVA_MICC, _COPIED, (1.93, 0.27, 2.02, 0.25, 1.86, 0.23)),
    ("Booth et al.", _GENOVA_MICC, _COPIED, (1.82, 0.29, 1.85, 0.22, 1.63, 0.16)),
    ("Genova et al.", _GENOVA_MICC, _COPIED, (1.50, 0.13, 1.50, 0.11, 1.48, 0.11)),
    ("GANFit (seed 1)", _GANFIT_MICC, _TABLE_1, (0.95, 0.22, 0.91, 0.16, 0.95, 0.18, 0.90, 0.89, 0.87)),
    ("GANFit (seed 2)", _GANFIT_MICC, _TABLE_1, (0.95, 0.16, 0.94, 0.16, 0.97, 0.18, 0.94, 0.89, 0.87)),
    ("GANFit (seed 3)", _GANFIT_MICC, _TABLE_1, (0.96, 0.20, 0.93, 0.17, 0.94, 0.18, 0.89, 0.88, 0.87)),
    ("Fast-GANFit", _GANFIT_MICC, _TABLE_1, (1.11, 0.25, 0.98, 0.15, 1.16, 0.18, 0.91, 0.89, 0.85)),
    ("GANFit++", _GANFIT_MICC, _TABLE_1, (0.94, 0.17, 0.92, 0.14, 0.94, 0.19, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ L_id", _GANFIT_MICC, _TABLE_1, (0.96, 0.18, 0.92, 0.15, 0.98, 0.21, 0.93, 0.91, 0.85)),
    ("GANFit++ \\ L^_id", _GANFIT_MICC, _TABLE_1, (1.07, 0.21, 1.01, 0.15, 1.05, 0.23, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ L_con", _GANFIT_MICC, _TABLE_1, (0.94, 0.17, 0.93, 0.15, 0.93, 0.17, 0.93, 0.92, 0.87)),
    (
        "GANFit++ \\ {L_id, L^_id, L_con}",
        _GANFIT_MICC,
        _TABLE_1,
        (1.20, 0.25, 1.04, 0.19, 1.18, 0.25, 0.86, 0.83, 0.78),
    ),
    ("GANFit++ \\ L_lan", _GANFIT_MICC, _TABLE_1, (0.91, 0.16, 0.95, 0.18, 0.93, 0.17, 0.93, 0.94, 0.91)),
    ("GANFit++ \\ L_pix", _GANFIT_MICC, _TABLE_1, (0.94, 0.17, 0.94, 0.15, 0.93, 0.19, 0.93, 0.93, 0.87)),
    ("GANFit++ \\ Reg(p_s)", _GANFIT_MICC, _TABLE_1, (1.03, 0.18, 1.03, 0.15, 1.07, 0.22, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ Reg(p_e)", _GANFIT_MICC, _TABLE_1, (0.95, 0.16, 0.93, 0.14, 0.96, 0.20, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ Reg(p_l)", _GANFIT_MICC, _TABLE_1, (0.96, 0.16, 0.93, 0.15, 0.94, 0.20, 0.94, 0.92, 0.87)),
)


def _micc_rows() -> Iterator[Published]:
    for method, protocol, source, values in _MICC:
        metrics = [(metric, setting) for setting in _MICC_SETTINGS for metric in (ERROR_MEAN, ERROR_STD)]
        metrics += [(COSINE, setting) for setting in _MICC_SETTINGS][: len(values) - len(metrics)]
        for (metric, setting), value in zip(metrics, values, strict=True):
            yield Published(method, f"{MICC_DATASET}, {setting}", protocol, metric, value, source)


PUBLISHED = (*_FID_ROWS, *_micc_rows())
"""Every published number that this project cites."""


def rows() -> list[dict[str, Any]]:
    """The rows of the table `published`."""
    return [asdict(entry) for entry in PUBLISHED]


def uv_map_fid() -> dict[str, float]:
    """The paper's FID of texture models over UV maps, by the model's name in lower case."""
    return {entry.method.lower(): entry.value for entry in PUBLISHED if entry.dataset == _UV_MAPS}
