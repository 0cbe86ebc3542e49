"""Fit of the linear texture model, in two passes over the maps and in constant memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ganfit_core.texture.config import PCAConfig
from ganfit_core.texture.incremental_pca import IncrementalPCA
from ganfit_core.texture.maps import MapShards, area_averaged, read_chunks
from ganfit_core.texture.pca import PCATexture
from ganfit_core.texture.trainer import fixed_samples
from ganfit_core.training.loop import OnStep, TrainingResult
from ganfit_core.training.records import append_log, keep_log, write_losses, write_sheet

# Directions kept between chunks for each component asked for.
_KEPT = 2


def train_pca(
    config: PCAConfig,
    maps: MapShards,
    mask: Float[np.ndarray, "r r"] | None,
    out_dir: Path,
    *,
    provenance: Mapping[str, str] | None = None,
    on_step: OnStep | None = None,
) -> TrainingResult:
    """Principal components of the maps and of their mirror images.

    `mask` (R, R) weighs the squared errors of the texels, none 0; None: all alike. `on_step` hears maps seen in both
    passes and progress in [0, 1].

    `out_dir` receives `texture_pca.safetensors` (with `provenance`), `log.jsonl`, `losses.png` and a sheet in
    `samples`. It is a matter of minutes: a run that was killed begins anew.

    Raises ValueError for fewer maps than components, a side that is no whole fraction of theirs, or an unfit mask.
    """
    started = time.monotonic()
    (out_dir / "samples").mkdir(parents=True, exist_ok=True)
    keep_log(out_dir, 0)
    weight = _root_weight(mask, maps.resolution, config.resolution)
    count, seen = 2 * len(maps), 0

    def advance(images: int) -> None:
        nonlocal seen
        seen += images
        if on_step is not None:
            on_step(seen, seen / (2 * count))

    total = torch.zeros(3 * config.resolution**2, dtype=torch.float64)
    for chunk in _chunks(maps, config.resolution):
        total += chunk.sum(dim=0, dtype=torch.float64)
        advance(len(chunk))
    mean = (total / count).float()
    pca = IncrementalPCA(_KEPT * config.latent_dim)
    for chunk in _chunks(maps, config.resolution):
        pca.update((chunk - mean) * weight)
        advance(len(chunk))
        row = {"images": pca.rows, "seconds": round(time.monotonic() - started, 1)}
        append_log(out_dir, {**row, "unexplained": round(1 - pca.explained(config.latent_dim), 5)})
    model = PCATexture(config)
    model.load_state_dict({"mean": mean, "basis": pca.components(config.latent_dim) / weight})
    write_losses(out_dir)
    write_sheet(out_dir / "samples" / f"{pca.rows:08d}.png", fixed_samples(model, model, 0))
    path = out_dir / model.filename
    explained = f"{pca.explained(config.latent_dim):.4f}"
    model.save(path, {"images": str(pca.rows), "variance_explained": explained, **(provenance or {})})
    return TrainingResult(path, pca.rows, time.monotonic() - started, model)


def _chunks(maps: MapShards, side: int) -> Iterator[Float[Tensor, "n f"]]:
    """Flattened maps in [0, 1], each followed by its mirror image."""
    for images in read_chunks(maps):
        x = torch.from_numpy(area_averaged(images, side)).permute(0, 3, 1, 2).float() / 255
        yield torch.stack([x, x.flip(-1)], dim=1).flatten(2).flatten(0, 1)


def _root_weight(mask: Float[np.ndarray, "r r"] | None, full: int, side: int) -> Float[Tensor, " f"]:
    """Square root of each texel's weight, for the three channels of a flattened map."""
    if mask is None:
        return torch.ones(3 * side**2)
    if mask.shape != (full, full) or mask.min() <= 0:
        raise ValueError(f"the mask must be positive and of the maps' side {full}")
    weight = F.avg_pool2d(torch.from_numpy(mask)[None].float(), full // side)
    return weight.sqrt().expand(3, -1, -1).flatten()
