"""Training throughput of the texture GAN, images per second at each side; the last line is JSON.

OMP_NUM_THREADS=2 python benchmarks/texture_training.py --threads 2 --seconds 10
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace

import numpy as np
import torch

from ganfit_core.texture.config import Stage, TrainingConfig
from ganfit_core.texture.trainer import Trainer


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
    side = recipe.network.resolution
    maps = np.random.default_rng(0).integers(0, 256, (512, side, side, 3), dtype=np.uint8)
    stages = {(stage.resolution, stage.phase): stage for stage in recipe.schedule if stage.phase != "fade"}
    rates: dict[str, float] = {}
    for resolution, phase in stages:
        # A batch every step, penalties at their true interval: whole multiples of it are timed.
        config = replace(recipe, schedule=(Stage(resolution, phase, 1.0),), total_images=1 << 40)
        trainer = Trainer(config, maps, None, None, args.device)
        trainer.step()
        start, images = time.perf_counter(), trainer.images
        while time.perf_counter() - start < args.seconds or (trainer.steps - 1) % config.r1_interval:
            trainer.step()
        rate = (trainer.images - images) / (time.perf_counter() - start)
        rates[f"{resolution}/{phase}"] = round(rate, 1)
        print(f"{resolution:4d} {phase:12s} {rate:7.1f} images/s")
    settings = {key: getattr(args, key) for key in ("threads", "loss", "precision", "device")}
    print(json.dumps({"benchmark": "texture_training", **settings, "images_per_second": rates}))


if __name__ == "__main__":
    main()
