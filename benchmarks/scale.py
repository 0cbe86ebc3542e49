"""`ganfit run` with `fast` over many photographs, on two cores: speed, memory, and what the running itself costs.

    python -m benchmarks.scale [--n 13233] [--shard-size 256]

needs GANFIT_DATASETS (lfw/lfw-deepfunneled). `n` photographs of LFW go through the command line, from nothing to rows,
and through a bare loop: two processes that call the same function on the same shards and keep nothing. Smaller numbers
of photographs tell whether the cost of one stays the same.

- images_per_s: of the command, from its start to its end; bare_loop_ratio: over that of the bare loop;
  bare_loop_cpu_ratio: the same with processor time in place of the clock's;
- rss_growth_mib: resident memory of all its processes between 70 and 95 % of the time, less that between 20 and 45 %
  (medians); rss_peak_mib: the most;
- prefect_s: what it takes longer to report to a Prefect server, with as many shards of empty files;
- seconds_per_image, cpu_s_per_image: by number of photographs, start and loading of the models included;
- unchanged_s: the same command again, with nothing left to do.

The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import json
import os
import random
import resource
import statistics
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks._command import Command, Ended, finished, prefect_server
from data import tables
from data.collections import discover
from data.lfw import person_of
from data.plan import Shard
from ganfit_core.methods import METHODS
from tasks.processes import in_processes
from tasks.reconstruct_shard import compute
from tasks.run import Run

CORES, WORKERS, BATCH, SEED, METHOD, PRESET = 2, 2, 32, 0, "fast", "laptop"
LESS = (1000, 4000)
"""Numbers of photographs beside the one that is asked for."""
REPEATS = 3
_SAMPLE_S = 1.0


@dataclass(frozen=True)
class Watched:
    """A command that ended well, and its memory."""

    ended: Ended
    rss: list[float]
    """MiB of all its processes, once a second."""

    def growth(self) -> float:
        """MiB, from the first half of the run, with the models loaded, to the second."""

        def between(start: float, end: float) -> float:
            return statistics.median(self.rss[int(start * len(self.rss)) : int(end * len(self.rss)) + 1])

        return between(0.70, 0.95) - between(0.20, 0.45)


def write_list(path: Path, n: int) -> Path:
    """A list of so many photographs of LFW, the same every time."""
    lfw = Path(os.environ["GANFIT_DATASETS"], "lfw", "lfw-deepfunneled")
    photos = random.Random(SEED).sample(sorted(lfw.glob("*/*.jpg")), n)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "unit_id", "subject"))
        for photo in photos:
            unit_id = photo.relative_to(lfw).as_posix()
            writer.writerow((photo, unit_id, person_of(unit_id)))
    return path


def arguments(collection: Path, out: Path, shard_size: int) -> list[object]:
    """Of `ganfit`."""
    options = ["--method", METHOD, "--preset", PRESET, "--files", "none", "--shard-size", shard_size]
    return ["run", collection, "--out", out, *options, "--workers", WORKERS, "--batch", BATCH]


def watched(*command: object) -> Watched:
    """Run the command, and look at its memory meanwhile. Raises RuntimeError where it does not end well."""
    run = Command(*command)
    rss = []
    while run.running():
        rss.append(_resident(run.process.pid) / 2**20)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.process.wait(_SAMPLE_S)
    ended = run.wait()
    if ended.code != 0:
        raise RuntimeError(f"ganfit run ended with {ended.code}:\n{ended.output}")
    return Watched(ended, rss)


def bare_loop(collection: Path, out: Path, shard_size: int) -> tuple[float, float]:
    """Seconds, and of the processors, that the shards' own work takes: no plan, no supervision, no rows, no Prefect."""
    found = discover([collection])
    run = Run(out, PRESET, METHODS[METHOD], None, False, SEED, found.key, found.name, BATCH, "none")
    groups = [found.units[start : start + shard_size] for start in range(0, len(found.units), shard_size)]
    shards = [Shard(str(number), units, (None,) * len(units)) for number, units in enumerate(groups)]
    started, cpu = time.perf_counter(), _cpu()
    done = sum(count for _, count in in_processes(functools.partial(computed, run=run), shards, WORKERS))
    assert done == len(found.units)
    return time.perf_counter() - started, _cpu() - cpu


def computed(shard: Shard, run: Run) -> int:
    """Do a shard's work, and say how much it was."""
    return len(compute(shard, run))


def prefect_seconds(work: Path, n: int, shard_size: int) -> float:
    """What reporting to a Prefect server adds to a run whose photographs take no time: medians of some runs."""
    empty = work / "empty"
    empty.mkdir()
    for number in range(n):
        (empty / f"{number:06d}.jpg").touch()
    seconds: dict[bool, list[float]] = {True: [], False: []}
    with prefect_server(work / "prefect") as (environment, _):
        for number in range(REPEATS):
            for served in (False, True):
                here: Mapping[str, str | None] = environment if served else {}
                out = work / f"empty-{number}-{served}"
                seconds[served].append(finished(*arguments(empty, out, shard_size), environment=here).seconds)
    return statistics.median(seconds[True]) - statistics.median(seconds[False])


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=13_233)
    parser.add_argument("--shard-size", type=int, default=256)
    given = parser.parse_args()
    if "GANFIT_DATASETS" not in os.environ:
        print(json.dumps({"skipped": "GANFIT_DATASETS not set: LFW is needed"}))
        return
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    runs: dict[int, Watched] = {}
    with tempfile.TemporaryDirectory(prefix="ganfit-scale-") as folder:
        work = Path(folder)
        for n in [*(n for n in LESS if n < given.n), given.n]:
            collection, out = write_list(work / f"{n}.csv", n), work / f"out-{n}"
            runs[n] = watched(*arguments(collection, out, given.shard_size))
            print(f"{n} images: {runs[n].ended.seconds:.1f} s, {runs[n].ended.cpu_seconds:.1f} s of the processors")
        rows = tables.read(out)
        unchanged = finished(*arguments(collection, out, given.shard_size))
        bare_seconds, bare_cpu = bare_loop(collection, work / "bare", given.shard_size)
        print(f"bare loop: {bare_seconds:.1f} s, {bare_cpu:.1f} s of the processors")
        overhead = prefect_seconds(work, given.n, given.shard_size)
    last = runs[given.n]
    figures = {
        "n": given.n,
        "rows": rows.num_rows,
        "units": len(set(rows["unit_id"].to_pylist())),
        "status": dict(Counter(rows["status"].to_pylist())),
        "images_per_s": round(given.n / last.ended.seconds, 2),
        "bare_images_per_s": round(given.n / bare_seconds, 2),
        "bare_loop_ratio": round(bare_seconds / last.ended.seconds, 3),
        "bare_loop_cpu_ratio": round(bare_cpu / last.ended.cpu_seconds, 3),
        "rss_growth_mib": round(last.growth(), 1),
        "rss_peak_mib": round(max(last.rss), 1),
        "prefect_s": round(overhead, 1),
        "seconds_per_image": {n: round(run.ended.seconds / n, 4) for n, run in runs.items()},
        "cpu_s_per_image": {n: round(run.ended.cpu_seconds / n, 4) for n, run in runs.items()},
        "unchanged_s": round(unchanged.seconds, 1),
    }
    print(json.dumps(figures))


def _resident(pid: int) -> int:
    total = 0
    try:
        command = psutil.Process(pid)
        for process in (command, *command.children(recursive=True)):
            total += process.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # one that ended meanwhile is not counted
    return total


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


if __name__ == "__main__":
    main()
