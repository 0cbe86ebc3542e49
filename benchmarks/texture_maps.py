"""Speed and memory of making UV maps out of photographs; the last line is JSON.

    python -m benchmarks.texture_maps --n 1024

The photographs are LFW's, below GANFIT_DATASETS. Memory is this process's resident set after every shard of 256: it
must not grow with their number.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path

import torch

from flows.build_textures import SHARD
from ganfit_core.training.splits import TRAIN
from tasks.complete_maps import complete_shard, learn_statistics
from tasks.splits import shards_of
from tasks.unwrap_faces import part_name, unwrap_photos

RESOLUTION = 256


def resident_mb() -> float:
    """Resident set size of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=1024, help="photographs")
    arguments = parser.parse_args()
    if "GANFIT_DATASETS" not in os.environ:
        print(json.dumps({"skipped": "GANFIT_DATASETS not set: LFW is needed"}))
        return
    torch.set_flush_denormal(True)
    photos = Path(os.environ["GANFIT_DATASETS"], "lfw", "lfw-deepfunneled")
    with tempfile.TemporaryDirectory() as scratch:
        measure(photos, arguments.n, Path(scratch))


def measure(photos: Path, n: int, out: Path) -> None:
    """Unwrap and complete the first `n` photographs of the flow's own order, and print what it took."""
    shards = [units for _, units in shards_of([photos], None, SHARD)][: -(-n // SHARD)]
    start, memory = time.process_time(), {"unwrap": [], "complete": []}  # type: dict[str, list[float]]
    parts = []
    for units in shards:
        parts.append(unwrap_photos.fn(units, RESOLUTION, out / "parts" / part_name(units, RESOLUTION)))
        memory["unwrap"].append(resident_mb())
        print(f"{len(parts)}/{len(shards)} unwrapped, {memory['unwrap'][-1]} MB", flush=True)
    unwrapped = time.process_time()
    statistics = learn_statistics.fn(parts, RESOLUTION, out)
    learnt = time.process_time()
    for index, part in enumerate(parts):
        complete_shard.fn(part, TRAIN, statistics, out / "maps" / f"{TRAIN}-{index:05d}.npy")
        memory["complete"].append(resident_mb())
    images = sum(len(units) for units in shards)
    result = {
        "images": images,
        "resolution": RESOLUTION,
        "cpu_ms_per_image": {
            "unwrap": round(1000 * (unwrapped - start) / images, 1),
            "complete": round(1000 * (time.process_time() - learnt) / images, 1),
        },
        "cpu_s_statistics": round(learnt - unwrapped, 1),
        # The first shard loads models and fills the allocator's caches.
        "resident_mb": {
            step: {"second_shard": mb[min(1, len(mb) - 1)], "last_shard": mb[-1], "most": max(mb)}
            for step, mb in memory.items()
        },
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
