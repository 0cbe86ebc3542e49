"""Gecer et al., "Fast-GANFIT: Generative Adversarial Network for High Fidelity 3D Face Reconstruction", TPAMI 2021."""

from __future__ import annotations

from collections.abc import Iterator

from data.faces_dataset import SETTINGS
from data.published.entry import PURE, Published, Relation
from data.published.micc import COSINE, FROM_TEXT, GENOVA, errors, named

_PAPER = "Gecer et al., Fast-GANFIT (TPAMI 2021)"

GANFIT_FID = "fid/ganfit-paper"
"""Table 2: FID of random maps of a model to the maps that it was trained on. How many were drawn, the mask and the
resizing are not stated. The rows of CelebA-HQ are of photographs, not of UV maps."""
UV_MAPS, _PHOTOGRAPHS = "Ours (9358)", "CelebA-HQ (50K)"

_TABLE_2 = (
    ("GAN", _PHOTOGRAPHS, 7.30),
    ("NVAE", _PHOTOGRAPHS, 40.26),
    ("PCA", UV_MAPS, 65.80),
    ("VAE", UV_MAPS, 120.44),
    ("NVAE", UV_MAPS, 62.98),
    ("GAN", UV_MAPS, 2.95),
)

# Errors in mm as mean and standard deviation for each setting, then the cosine for each.
_TABLE_1: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("VAEFit", (1.01, 0.24, 0.93, 0.18, 1.02, 0.26, 0.90, 0.88, 0.82)),
    ("Fast-VAEFit", (1.37, 0.30, 1.17, 0.17, 1.43, 0.29, 0.85, 0.82, 0.78)),
    ("VAEFit++", (0.96, 0.19, 0.96, 0.20, 0.99, 0.19, 0.91, 0.89, 0.85)),
    ("GANFit (seed 1)", (0.95, 0.22, 0.91, 0.16, 0.95, 0.18, 0.90, 0.89, 0.87)),
    ("GANFit (seed 2)", (0.95, 0.16, 0.94, 0.16, 0.97, 0.18, 0.94, 0.89, 0.87)),
    ("GANFit (seed 3)", (0.96, 0.20, 0.93, 0.17, 0.94, 0.18, 0.89, 0.88, 0.87)),
    ("Fast-GANFit", (1.11, 0.25, 0.98, 0.15, 1.16, 0.18, 0.91, 0.89, 0.85)),
    ("GANFit++", (0.94, 0.17, 0.92, 0.14, 0.94, 0.19, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ L_id", (0.96, 0.18, 0.92, 0.15, 0.98, 0.21, 0.93, 0.91, 0.85)),
    ("GANFit++ \\ L^_id", (1.07, 0.21, 1.01, 0.15, 1.05, 0.23, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ L_con", (0.94, 0.17, 0.93, 0.15, 0.93, 0.17, 0.93, 0.92, 0.87)),
    ("GANFit++ \\ {L_id, L^_id, L_con}", (1.20, 0.25, 1.04, 0.19, 1.18, 0.25, 0.86, 0.83, 0.78)),
    ("GANFit++ \\ L_lan", (0.91, 0.16, 0.95, 0.18, 0.93, 0.17, 0.93, 0.94, 0.91)),
    ("GANFit++ \\ L_pix", (0.94, 0.17, 0.94, 0.15, 0.93, 0.19, 0.93, 0.93, 0.87)),
    ("GANFit++ \\ Reg(p_s)", (1.03, 0.18, 1.03, 0.15, 1.07, 0.22, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ Reg(p_e)", (0.95, 0.16, 0.93, 0.14, 0.96, 0.20, 0.94, 0.93, 0.87)),
    ("GANFit++ \\ Reg(p_l)", (0.96, 0.16, 0.93, 0.15, 0.94, 0.20, 0.94, 0.92, 0.87)),
)
# The table repeats Table 1 of GANFIT (CVPR 2019), where these three rows are the same.
_TABLE_1_COPIED = (
    ("Tran et al.", (1.93, 0.27, 2.02, 0.25, 1.86, 0.23)),
    ("Booth et al.", (1.82, 0.29, 1.85, 0.22, 1.63, 0.16)),
    ("Genova et al.", (1.50, 0.13, 1.50, 0.11, 1.48, 0.11)),
)

GANFIT_LFW = "lfw/fast-ganfit-paper"
"""Fig. 9: cosine of LFW's photographs and the renderings of their reconstructions, at the embedding layer of VGG-Face.
The crop, and which photographs, are not stated. Fig. 6 of GANFIT (CVPR 2019) has the same three numbers."""
LFW = "LFW"
VGG_FACE = "VGG-Face"

_FIGURE_9: tuple[tuple[str, Relation, float], ...] = (
    ("GANFit", ">", 0.5),
    ("Genova et al.", "=", 0.35),
    ("Tran et al.", "=", 0.16),
)

GANFIT_FIGURE_13 = "mae/fast-ganfit-figure-13"
"""Fig. 13: mean absolute difference of one photograph and what is fitted to it. The range of the colours and the pixels
that count are not stated; I_R is the rendering with the full energy."""
ONE_PHOTOGRAPH = "one photograph"
MAE = "mean absolute error"

_FIGURE_13 = (
    ("I_R", 0.051),
    ("I_R albedo", 0.114),
    ("I_R \\ L_id", 0.053),
    ("I_R \\ L^_id", 0.054),
    ("I_R \\ L_con", 0.063),
    ("I_R \\ L_pix", 0.099),
    ("I_R \\ {L_id, L^_id, L_con}", 0.032),
    ("I_R with T(p_t)", 0.064),
)


def numbers() -> Iterator[Published]:
    """All of them, table by table."""
    table_1 = f"{_PAPER}, Table 1"
    for method, values in _TABLE_1:
        yield from errors(method, FROM_TEXT, values[:6], table_1)
        for setting, value in zip(SETTINGS, values[6:], strict=True):
            yield Published(method, named(setting), FROM_TEXT, COSINE, PURE, value, table_1)
    for method, values in _TABLE_1_COPIED:
        yield from errors(method, GENOVA, values, f"{table_1}, which repeats Genova et al. (CVPR 2018)")
    for method, dataset, value in _TABLE_2:
        yield Published(method, dataset, GANFIT_FID, "FID", PURE, value, f"{_PAPER}, Table 2")
    for method, relation, value in _FIGURE_9:
        source = f"{_PAPER}, Fig. 9"
        yield Published(method, LFW, GANFIT_LFW, f"cosine by {VGG_FACE}", PURE, value, source, relation=relation)
    for method, value in _FIGURE_13:
        yield Published(method, ONE_PHOTOGRAPH, GANFIT_FIGURE_13, MAE, PURE, value, f"{_PAPER}, Fig. 13")
