"""Training of a network, resumable and bounded in time."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ganfit_core.training.checkpoint import read_checkpoint, write_checkpoint
from ganfit_core.training.records import append_log, keep_log, write_losses, write_sheet
from ganfit_core.training.trainer import Trainable, Trainer

log = logging.getLogger(__name__)

OnStep = Callable[[int, float], None]


@dataclass(frozen=True)
class TrainingResult:
    """Outcome of a training."""

    path: Path
    """The model, safetensors."""
    images: int
    """Real images shown, over all resumed runs."""
    seconds: float
    """Wall-clock seconds of training, over all resumed runs."""
    model: Trainable
    """What was written."""


def train(
    trainer: Trainer,
    out_dir: Path,
    *,
    checkpoint_minutes: float = 4.0,
    log_images: int = 2000,
    provenance: Mapping[str, str] | None = None,
    on_step: OnStep | None = None,
) -> TrainingResult:
    """Train, or continue the run that `out_dir` holds, and write the averaged model.

    `on_step` hears images seen and progress in [0, 1].

    `out_dir` receives the model under its `filename` (with `provenance`), `checkpoint.pt`, `log.jsonl`, `losses.png`
    and `samples/*.png`. A run that is killed loses what came after its last checkpoint.

    Raises ValueError for an unfit checkpoint, FloatingPointError if a loss stops being finite.
    """
    if trainer.device.type == "cpu":
        torch.set_flush_denormal(True)
    (out_dir / "samples").mkdir(parents=True, exist_ok=True)
    checkpoint = out_dir / "checkpoint.pt"
    if checkpoint.exists():
        trainer.restore(read_checkpoint(checkpoint))
        log.info("continuing at %d images", trainer.images)
    keep_log(out_dir, trainer.images)

    def save() -> None:
        write_checkpoint(checkpoint, trainer.state())
        write_sheet(out_dir / "samples" / f"{trainer.images:08d}.png", trainer.sheet())
        write_losses(out_dir)

    before = time.monotonic()
    saved = trainer.seconds
    logged, logged_seconds = trainer.images, trainer.seconds
    while trainer.progress() < 1.0:
        trainer.step()
        now = time.monotonic()
        trainer.seconds += now - before
        before = now
        if trainer.images - logged >= log_images or trainer.progress() >= 1.0:
            rate = (trainer.images - logged) / max(trainer.seconds - logged_seconds, 1e-9)
            row: dict[str, Any] = {
                "images": trainer.images,
                "seconds": round(trainer.seconds, 1),
                "images_per_second": round(rate, 2),
                **trainer.position(),
                **trainer.drain_log(),
            }
            append_log(out_dir, row)
            log.info("%s", json.dumps(row))
            logged, logged_seconds = trainer.images, trainer.seconds
        if trainer.seconds - saved >= 60.0 * checkpoint_minutes:
            save()
            saved = trainer.seconds
        if on_step is not None:
            on_step(trainer.images, trainer.progress())
    save()
    model = trainer.finished()
    path = out_dir / model.filename
    model.save(path, {"images": str(trainer.images), "training": trainer.config_text(), **(provenance or {})})
    return TrainingResult(path, trainer.images, trainer.seconds, model)
