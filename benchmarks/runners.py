"""The same shards computed by threads, processes, Ray and Dask: whether the rows are the same, and how long it takes.

    python -m benchmarks.runners [--n 512] [--shards 64] [--runners threads,processes,ray,dask]

needs GANFIT_DATASETS (lfw/lfw-deepfunneled), and the extras `ray` and `dask`. `n` photographs of LFW go through
`ganfit run --method fast` on two cores, two shards at a time, recorded by a Prefect server: on Ray and on Dask by two
workers of a cluster that lives for the run. The first run, `without Prefect`, has no server; the others' rows are
compared with its rows, bit by bit.

- seconds: of the command, from its start to its end; first_part_s: until its first part file, with what was loaded and
  started for it; images_per_s: from the first part file to the last.

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import math
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks._command import compare, finished, prefect_server
from benchmarks.scale import write_list
from data import manifest, tables

CORES, WORKERS, BATCH, METHOD = 2, 2, 32, "fast"
UNSERVED = "without Prefect"
RUNNERS = ("threads", "processes", "ray", "dask")


def run(
    collection: Path, out: Path, shard_size: int, runner: str, environment: Mapping[str, str | None]
) -> dict[str, Any]:
    """Wall times of a run."""
    options = ["--method", METHOD, "--files", "none", "--shard-size", shard_size, "--batch", BATCH]
    started = time.time()
    ended = finished(
        *("run", collection, "--out", out, *options, "--workers", WORKERS, "--runner", runner), environment=environment
    )
    parts = sorted(manifest.entries(out).values(), key=lambda entry: entry.recorded_at)
    first, *_, last = (datetime.datetime.fromisoformat(part.recorded_at).timestamp() for part in parts)
    return {
        "seconds": round(ended.seconds, 1),
        "first_part_s": round(first - started, 1),
        "images_per_s": round(sum(part.rows for part in parts[1:]) / (last - first), 2),
        "shards": len(parts),
    }


def main() -> None:
    """Run by each, compare, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=512)
    parser.add_argument("--shards", type=int, default=64)
    parser.add_argument("--runners", default=",".join(RUNNERS))
    given = parser.parse_args()
    if "GANFIT_DATASETS" not in os.environ:
        print(json.dumps({"skipped": "GANFIT_DATASETS not set: LFW is needed"}))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    shard_size = math.ceil(given.n / given.shards)
    with tempfile.TemporaryDirectory(prefix="ganfit-runners-") as folder:
        work = Path(folder)
        collection = write_list(work / "photographs.csv", given.n)
        figures = {UNSERVED: run(collection, work / "reference", shard_size, "threads", {})}
        print(f"{UNSERVED}: {figures[UNSERVED]}")
        wanted = tables.read(work / "reference")
        for name in given.runners.split(","):
            with prefect_server(work / f"prefect-{name}") as (environment, _):
                figures[name] = run(collection, work / name, shard_size, name, environment)
            figures[name] |= differences(wanted, tables.read(work / name))
            print(f"{name}: {figures[name]}")
    same = all(not figures[name][key] for name in given.runners.split(",") for key in ("lost", "doubled", "differing"))
    print(json.dumps({"n": given.n, "rows": len(wanted), "same_rows": same, "cores": CORES, "runners": figures}))


def differences(wanted: pa.Table, got: pa.Table) -> dict[str, int]:
    """How many rows are lost, doubled, or say something else."""
    found = dataclasses.asdict(compare(wanted, got))
    return {name: found[name] for name in ("lost", "doubled", "differing")}


if __name__ == "__main__":
    main()
