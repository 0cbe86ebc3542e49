"""What is left when a run is killed, starved or tampered with: the same rows as without, or it says why.

    python -m benchmarks.faults [--images 2000] [--kills 20] [--shard-size 64]

needs GANFIT_DATASETS (lfw/lfw-deepfunneled). `ganfit run` reconstructs photographs of LFW with `fast`; one file in
twenty is broken, in the twelve ways of tests/broken.py. First it is left alone; then it is killed (`kill -9` of all its
processes) at random moments and started again until it ends, in a new folder as often as it takes to kill it so many
times. The rows must be those of the run that was left alone, bit by bit but for the columns of the run: `lost` units
have no row, `doubled` rows are too many, `differing` ones say something else; `unsound` folders are those in which
`ganfit verify` finds something in the end.

Each further fault meets a run over a tenth as many images, at least 240. `exit` is the code of the command that met
the fault and `said` its message, `resumed` the code of the same command afterwards, `verify` that of `ganfit verify` at
the end; `recomputed` rows were made anew though the run had ended before. What needs to mount a file system is skipped
without the right to. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks._command import Command, compare, finished
from benchmarks._faults import FAULTS, Case
from data import tables
from tests import broken

SEED, BROKEN = 0, 0.05


@dataclass(frozen=True)
class Photos:
    """A folder with photographs and broken files."""

    folder: Path
    kinds: dict[str, broken.Kind]
    """Unit id of each broken file -> its kind."""
    count: int


def collect(folder: Path, count: int) -> Photos:
    """Photographs of LFW and one broken file in twenty, the same every time."""
    lfw = Path(os.environ["GANFIT_DATASETS"], "lfw", "lfw-deepfunneled")
    written = broken.fill(folder / "broken", round(BROKEN * count))
    for photo in random.Random(SEED).sample(sorted(lfw.glob("*/*.jpg")), count - len(written)):
        target = folder / photo.parent.name / photo.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(photo, target)
    return Photos(folder, {f"broken/{name}": kind for name, kind in written.items()}, count)


def misjudged(rows: pa.Table, photos: Photos) -> list[str]:
    """Broken files whose row does not say what is wrong with them."""
    told = {row["unit_id"]: (row["status"], row["reason"]) for row in rows.to_pylist()}
    return [name for name, kind in photos.kinds.items() if told.get(name) != (kind.status, kind.reason)]


def kill_and_resume(case: Case, kills: int, randomness: random.Random) -> dict[str, Any]:
    """Kill the run at random moments until it was killed so often, each time resumed to its end."""
    figures = dict.fromkeys(("kills", "lost", "doubled", "differing", "series", "unsound"), 0)
    while figures["kills"] < kills:
        out = case.work / f"killed-{figures['series']}"
        while True:
            command = Command(*case.arguments(out))
            if figures["kills"] < kills:
                moment = randomness.uniform(0, case.seconds / 3)
                time.sleep(moment)
                if command.running():
                    command.kill()
                    figures["kills"] += 1
                    print(f"kill {figures['kills']} after {moment:.1f} s: {_written(out)} rows are there")
                    continue
            ended = command.wait()
            if ended.code != 0:
                raise RuntimeError(f"the resumed run ended with {ended.code}:\n{ended.output}")
            break
        difference = compare(case.reference, tables.read(out))
        print(f"resumed to the end: {difference}")
        for name in ("lost", "doubled", "differing"):
            figures[name] += getattr(difference, name)
        figures["series"] += 1
        verified = Command("verify", out).wait()
        if verified.code != 0:
            print(verified.output)
            figures["unsound"] += 1
        shutil.rmtree(out)
    return figures


def _written(out: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return tables.read(out).num_rows
    return 0


def left_alone(photos: Photos, work: Path, shard_size: int) -> Case:
    """The run that nothing happens to."""
    case = Case(photos.folder, work, shard_size)
    ended = finished(*case.arguments(work / "reference"))
    rows = tables.read(work / "reference")
    print(f"{photos.count} images: {rows.num_rows} rows in {ended.seconds:.1f} s")
    return case.known(rows, ended.seconds)


def main() -> None:
    """Meet every fault, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--shard-size", type=int, default=64)
    arguments = parser.parse_args()
    if "GANFIT_DATASETS" not in os.environ:
        print(json.dumps({"skipped": "GANFIT_DATASETS not set: LFW is needed"}))
        return
    few = min(arguments.images, max(240, arguments.images // 10))
    with tempfile.TemporaryDirectory(prefix="ganfit-faults-") as folder:
        work = Path(folder)
        photos = collect(work / "photos", arguments.images)
        case = left_alone(photos, work / "many", arguments.shard_size)
        counts = Counter((row["status"], row["reason"]) for row in case.reference.to_pylist())
        for (status, reason), count in counts.most_common():
            print(f"{count:6} {status}{f': {reason}' if reason else ''}")
        figures: dict[str, Any] = {"images": photos.count, "seconds": round(case.seconds, 1)}
        figures["rows"] = case.reference.num_rows
        figures["broken"] = len(photos.kinds)
        figures["misjudged"] = len(misjudged(case.reference, photos))
        figures |= kill_and_resume(case, arguments.kills, random.Random(SEED))
        shutil.rmtree(work / "many")
        smaller = left_alone(collect(work / "few", few), work / "each", min(arguments.shard_size, 16))
        for name, fault in FAULTS.items():
            figures[name] = fault(smaller, random.Random(SEED))
            print(f"{name}: {figures[name]}")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
