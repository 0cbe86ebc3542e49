"""Mohaghegh et al., "Robust Monocular 3D Face Reconstruction", preprint submitted to Elsevier."""

from __future__ import annotations

from collections.abc import Iterator

from data.published.entry import PURE, Published

QUALITY = "quality/mohaghegh-paper"
"""Photograph against the rendering of what was reconstructed from it, also from synthetically occluded copies, with the
clean photograph as the reference (Sec. 4.3). Which photographs, which occluders in which shares, and the pixels that
count are not stated."""

CELEBA, AFLW2000 = "CelebA", "AFLW2000"
PSNR, SSIM = "PSNR", "SSIM"
COSINES = tuple(f"cosine by {network}" for network in ("FaceNet", "LightCNN", "evoLVe"))
METRICS = (PSNR, SSIM, *COSINES)
"""Columns of both tables, in their order."""

# Mean and standard deviation for each metric.
_TABLE_1: tuple[tuple[str, str, tuple[float, ...]], ...] = (
    (CELEBA, "Deng et al.", (22.47, 2.239, 0.826, 0.035, 0.890, 0.034, 0.51, 0.146, 0.32, 0.14)),
    (CELEBA, "Lin et al.", (18.59, 2.582, 0.817, 0.035, 0.953, 0.026, 0.48, 0.174, 0.39, 0.19)),
    (CELEBA, "PRNet", (17.96, 2.51, 0.802, 0.037, 0.903, 0.031, 0.515, 0.14, 0.35, 0.17)),
    (CELEBA, "MGCNet", (18.86, 2.47, 0.79, 0.041, 0.893, 0.029, 0.49, 0.154, 0.35, 0.149)),
    (CELEBA, "INORig", (17.88, 2.45, 0.77, 0.037, 0.88, 0.034, 0.508, 0.133, 0.341, 0.178)),
    (CELEBA, "Mohaghegh et al.", (23.27, 2.38, 0.846, 0.034, 0.938, 0.017, 0.56, 0.126, 0.40, 0.14)),
    (AFLW2000, "Deng et al.", (23.21, 2.769, 0.856, 0.034, 0.908, 0.029, 0.63, 0.130, 0.42, 0.15)),
    (AFLW2000, "Lin et al.", (19.02, 3.147, 0.844, 0.025, 0.955, 0.020, 0.60, 0.159, 0.44, 0.18)),
    (AFLW2000, "PRNet", (18.08, 2.80, 0.811, 0.025, 0.913, 0.025, 0.61, 0.151, 0.32, 0.15)),
    (AFLW2000, "MGCNet", (18.36, 2.84, 0.809, 0.033, 0.941, 0.024, 0.607, 0.134, 0.38, 0.17)),
    (AFLW2000, "INORig", (17.74, 2.65, 0.79, 0.029, 0.901, 0.028, 0.61, 0.158, 0.38, 0.18)),
    (AFLW2000, "Mohaghegh et al.", (23.84, 2.581, 0.871, 0.024, 0.933, 0.022, 0.65, 0.124, 0.44, 0.14)),
)

# The third row is the full model, with one more digit of the last number than Table 1 has.
_TABLE_2: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("L_photo + L_id", (22.78, 0.831, 0.918, 0.539, 0.3685)),
    ("L_photo + L_id + L_att", (22.91, 0.837, 0.9221, 0.550, 0.376)),
    ("L_photo + L_id + L_att + L_rob", (23.27, 0.846, 0.938, 0.56, 0.3956)),
    ("full model without self-augmentation", (21.19, 0.805, 0.912, 0.55, 0.374)),
    ("full model without face attributes", (20.14, 0.810, 0.925, 0.517, 0.380)),
)


def numbers() -> Iterator[Published]:
    """Tables 1 and 2."""
    source = "Mohaghegh et al., Robust Monocular 3D Face Reconstruction (preprint)"
    for dataset, method, values in _TABLE_1:
        for metric, value, std in zip(METRICS, values[::2], values[1::2], strict=True):
            yield Published(method, dataset, QUALITY, metric, _unit(metric), value, f"{source}, Table 1", std)
    for method, values in _TABLE_2:
        for metric, value in zip(METRICS, values, strict=True):
            yield Published(method, CELEBA, QUALITY, metric, _unit(metric), value, f"{source}, Table 2")


def _unit(metric: str) -> str:
    return "dB" if metric == PSNR else PURE
