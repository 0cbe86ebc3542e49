"""Speed of `fast` over many photographs, from file to files: reading, detection, regression, export, table.

    python -m benchmarks.fast [--n 96] [--method fast] [--batch 32]

needs GANFIT_DATASETS (lfw/pairs.txt and lfw/lfw-deepfunneled). One photograph each of `n` people outside the held-out
fold goes through the flow behind `ganfit fit`, on two cores, with the models loaded before. The last line is one JSON
object; a stage's share is of the time that its rows of the table tell.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from data import tables
from data.assets import AssetError
from data.collections import discover
from data.lfw import fold_people, person_of
from data.schemas import STAGES
from flows.reconstruct import reconstruct
from ganfit_core.methods import METHODS
from tasks.models import load_models

CORES, SEED, PRESET = 2, 0, "laptop"


def choose(n: int) -> list[Path]:
    """One photograph of each of `n` people outside the held-out fold, the same every time."""
    lfw = Path(os.environ["GANFIT_DATASETS"]) / "lfw"
    held_out = fold_people(lfw / "pairs.txt")
    first: dict[str, Path] = {}
    for unit in discover([lfw / "lfw-deepfunneled"]).units:
        if person_of(unit.unit_id) not in held_out:
            first.setdefault(person_of(unit.unit_id), unit.path)
    names = sorted(first)
    return [first[names[i]] for i in np.random.default_rng(SEED).permutation(len(names))[:n]]


def main() -> None:
    """Run the flow, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=96)
    parser.add_argument("--method", choices=tuple(METHODS), default="fast")
    parser.add_argument("--batch", type=int, default=32)
    arguments = parser.parse_args()
    if "GANFIT_DATASETS" not in os.environ:
        print(json.dumps({"skipped": "GANFIT_DATASETS not set: LFW is needed"}))
        return
    try:
        device = load_models(PRESET, arguments.method, None).device
    except AssetError as error:
        print(json.dumps({"skipped": str(error)}))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    torch.set_num_threads(CORES)
    photos = choose(arguments.n)
    with tempfile.TemporaryDirectory() as folder:
        started, cpu = time.perf_counter(), time.process_time()
        reconstruct.fn(photos, Path(folder), PRESET, arguments.method, batch=arguments.batch)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
        rows = tables.read(Path(folder)).to_pylist()
    spent = {stage: sum((row["seconds"] or {}).get(stage) or 0.0 for row in rows) for stage in STAGES}
    figures = {
        "method": arguments.method,
        "images_per_s": round(len(photos) / seconds, 2),
        "cpu_seconds_per_image": round(cpu_seconds / len(photos), 3),
        "n": len(photos),
        "ok": sum(row["status"] == "ok" for row in rows),
        "batch": arguments.batch,
        "cores": CORES,
        "device": device,
        "share": {stage: round(value / sum(spent.values()), 3) for stage, value in spent.items()},
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
