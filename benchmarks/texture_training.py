"""Training throughput of the texture models, images per second, of the GAN at each side; the last line is JSON.

OMP_NUM_THREADS=2 python benchmarks/texture_training.py --threads 2 --seconds 10
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ganfit_core.texture.config import PCAConfig, Stage, TrainingConfig, VAETrainingConfig
from ganfit_core.texture.gan_trainer import GANTrainer
from ganfit_core.texture.maps import MapShards
from ganfit_core.texture.pca_training import train_pca
from ganfit_core.texture.trainer import Trainer
from ganfit_core.texture.vae_trainer import VAETrainer

SIDE, MAPS = 128, 512


def rate(trainer: Trainer, seconds: float, multiple: int) -> float:
    """Images per second over at least so many seconds, in whole multiples of so many steps."""
    trainer.step()
    start, images = time.perf_counter(), trainer.images
    while time.perf_counter() - start < seconds or (trainer.steps - 1) % multiple:
        trainer.step()
    return round((trainer.images - images) / (time.perf_counter() - start), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=10.0, help="least time spent on each stage")
    parser.add_argument("--loss", choices=("nonsaturating-r1", "wgan-gp"), default="nonsaturating-r1")
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)

    recipe = replace(TrainingConfig.cpu_128(), loss=args.loss, precision=args.precision)
    stages = {(stage.resolution, stage.phase): stage for stage in recipe.schedule if stage.phase != "fade"}
    rates: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "maps").mkdir()
        noise = np.random.default_rng(0).integers(0, 256, (MAPS, SIDE, SIDE, 3), dtype=np.uint8)
        np.save(Path(folder) / "maps" / "train-00000.npy", noise)
        maps = MapShards(Path(folder))
        for resolution, phase in stages:
            # A batch every step, penalties at their true interval: whole multiples of it are timed.
            config = replace(recipe, schedule=(Stage(resolution, phase, 1.0),), total_images=1 << 40)
            trainer = GANTrainer(config, maps, None, None, args.device)
            rates[f"gan/{resolution}/{phase}"] = rate(trainer, args.seconds, config.r1_interval)
        vae = replace(VAETrainingConfig.cpu_128(), precision=args.precision, total_images=1 << 40)
        rates[f"vae/{SIDE}"] = rate(VAETrainer(vae, maps, None, None, args.device), args.seconds, 1)
        pca = train_pca(PCAConfig(), maps, None, Path(folder))
        rates[f"pca/{SIDE}"] = round(pca.images / pca.seconds, 1)
    for name, value in rates.items():
        print(f"{name:24s} {value:7.1f} images/s")
    settings = {key: getattr(args, key) for key in ("threads", "loss", "precision", "device")}
    print(json.dumps({"benchmark": "texture_training", **settings, "images_per_second": rates}))


if __name__ == "__main__":
    main()
