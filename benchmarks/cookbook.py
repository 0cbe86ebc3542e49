"""Seconds that every query of docs/cookbook.md takes over a large table, on two threads.

    python -m benchmarks.cookbook [--rows 1000000] [--folder runs/cookbook]

makes an output folder of so many rows (half of them by `fast`, half by `ganfit++`; vectors as long as those of the
shipped models; parts as `ganfit compact` leaves them), two folders of half as many to be compared with each other, and
videos and scans; some 3 GiB for a million rows, removed afterwards. A query has a connection of its own and is
timed three times; the best counts. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from pathlib import Path

import duckdb

from data.schemas import Dimensions
from tests import made_likeness, made_tables
from tests.docs.cookbook import QUERIES, VIEWS
from tests.made_tables import Run

THREADS, REPEATS, ROWS_PER_PART, FILMED, COMPARED = 2, 3, 100_000, 100, 6_000
SHIPPED = Dimensions(identity=100, expression=40, texture=256)


def make(folder: Path, rows: int) -> None:
    """Write `out`, `old` and `new`; the last shares the files of `fast` with the first."""
    for name, run in (
        ("out", Run("fast", code="0.2.0", dimensions=SHIPPED, moved=0.1)),
        ("out", Run("ganfit++", code="0.2.0", dimensions=SHIPPED)),
        ("old", Run("fast", dimensions=SHIPPED)),
    ):
        for start in range(0, rows // 2, ROWS_PER_PART):
            table = made_tables.reconstructions(run, range(start, min(start + ROWS_PER_PART, rows // 2)))
            made_tables.write(table, folder / name, f"{start:08d}")
        print(f"made {name}, {run.method}", flush=True)
    shared = Path("reconstructions", "method=fast")
    shutil.copytree(folder / "out" / shared, folder / "new" / shared, copy_function=os.link)
    for table in made_tables.videos(Run("ganfit++", code="0.2.0", dimensions=SHIPPED), FILMED):
        made_tables.write(table, folder / "out", "videos")
    made_tables.write_scans(made_tables.micc(FILMED), folder / "out")
    made_likeness.write_all(folder / "out", COMPARED)


def timed(query: str) -> tuple[float, float, int]:
    """Best wall seconds, CPU seconds of that time, rows of the answer."""
    found = []
    for _ in range(REPEATS):
        with duckdb.connect() as connection:
            connection.execute(f"SET threads = {THREADS}")
            for view in VIEWS:
                connection.execute(view)
            started, cpu = time.perf_counter(), time.process_time()
            rows = connection.execute(query).fetchall()
            found.append((time.perf_counter() - started, time.process_time() - cpu, len(rows)))
    return min(found)


def main() -> None:
    """Make the tables, time the queries, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=Path("runs/cookbook"))
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if folder.exists():
        parser.error(f"{folder} exists, and would be removed afterwards")
    folder.mkdir(parents=True)
    try:
        make(folder, arguments.rows)
        size = sum(path.stat().st_size for path in (folder / "out" / "reconstructions").rglob("*.parquet"))
        os.chdir(folder)
        print("\nseconds  CPU s   rows  query")
        seconds = {}
        for heading, query in QUERIES:
            wall, cpu, rows = timed(query)
            seconds[heading] = round(wall, 3)
            print(f"{wall:7.3f}  {cpu:5.2f}  {rows:5}  {heading}", flush=True)
    finally:
        shutil.rmtree(folder)
    slowest = max(seconds.values())
    figures = {"rows": arguments.rows, "slowest_s": slowest, "threads": THREADS, "parquet_mib": round(size / 2**20)}
    print(json.dumps(figures | {"queries": seconds}))


if __name__ == "__main__":
    main()
