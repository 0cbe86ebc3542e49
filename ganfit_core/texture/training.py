"""Training of the texture GAN, resumable and bounded in time (GANFIT Sec. 3.1)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from ganfit_core.texture.checkpoint import read_checkpoint, write_checkpoint, write_sheet
from ganfit_core.texture.config import TrainingConfig
from ganfit_core.texture.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingResult:
    """Outcome of `train`."""

    generator_path: Path
    """Averaged generator, safetensors."""
    images: int
    """Real images shown, over all resumed runs."""
    seconds: float
    """Wall-clock seconds of training, over all resumed runs."""
    resolution: int
    """Side the written generator reached, pixels; below the config's if the run ended early."""


def train(
    config: TrainingConfig,
    maps: UInt8[np.ndarray, "n r r 3"],
    mask: Float[np.ndarray, "r r"] | None,
    out_dir: Path,
    *,
    minutes: float | None = None,
    device: str = "cpu",
    checkpoint_minutes: float = 4.0,
    log_images: int = 2000,
    provenance: dict[str, str] | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> TrainingResult:
    """Train, or continue the run that `out_dir` holds, and write the averaged generator.

    `maps` are uint8 (N, R, R, 3) RGB, smoothly filled outside the UV islands; `mask` (R, R) in [0, 1] weighs
    pixels in every loss (None: all alike; a pixel of weight 0 is never trained). `minutes` bounds the
    wall-clock time over all resumed runs; without `config.total_images` the schedule stretches over it.
    `on_step` hears images seen and progress in [0, 1].

    `out_dir` receives `generator.safetensors` (with `provenance` strings in its metadata),
    `latent_pca.safetensors` when maps have latents, `checkpoint.pt`, `log.jsonl` and `samples/*.png`.

    Raises ValueError for unfit maps, mask or checkpoint, FloatingPointError if a loss stops being finite.
    """
    if torch.device(device).type == "cpu":
        torch.set_flush_denormal(True)
    out_dir = Path(out_dir)
    (out_dir / "samples").mkdir(parents=True, exist_ok=True)
    trainer = Trainer(config, maps, mask, minutes, device)
    checkpoint = out_dir / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(read_checkpoint(checkpoint))
        log.info("continuing at %d images", trainer.images)
    if trainer.pca is not None:
        trainer.pca.save(out_dir / "latent_pca.safetensors")

    def save() -> None:
        write_checkpoint(checkpoint, trainer.state())
        write_sheet(out_dir / "samples" / f"{trainer.images:08d}.png", trainer.sheet())

    before = time.monotonic()
    saved = trainer.seconds
    logged, logged_seconds = trainer.images, trainer.seconds
    while trainer.progress() < 1.0:
        trainer.step()
        now = time.monotonic()
        trainer.seconds += now - before
        before = now
        if trainer.images - logged >= log_images:
            stage, alpha = trainer.schedule_position()
            rate = (trainer.images - logged) / max(trainer.seconds - logged_seconds, 1e-9)
            row = {
                "images": trainer.images,
                "seconds": round(trainer.seconds, 1),
                "images_per_second": round(rate, 2),
                "resolution": stage.resolution,
                "phase": stage.phase,
                "alpha": round(alpha, 3),
                **trainer.drain_log(),
            }
            with open(out_dir / "log.jsonl", "a") as file:
                file.write(json.dumps(row) + "\n")
            log.info("%s", row)
            logged, logged_seconds = trainer.images, trainer.seconds
        if trainer.seconds - saved >= 60.0 * checkpoint_minutes:
            save()
            saved = trainer.seconds
        if on_step is not None:
            on_step(trainer.images, trainer.progress())
    save()
    generator = trainer.finished_generator()
    path = out_dir / "generator.safetensors"
    generator.save(path, {"images": str(trainer.images), "loss": config.loss, **(provenance or {})})
    return TrainingResult(path, trainer.images, trainer.seconds, generator.resolution)
