"""The faults of benchmarks/faults.py, one function each: what is done to a run, and what came of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from safetensors import safe_open
from safetensors.torch import save_file

from benchmarks._command import Command, Ended, compare, finished, prefect_server
from data import tables
from data.assets.hashing import sha256_of
from data.assets.registry import ASSETS, OPEN_DIRECTORY

METHOD, OTHER_METHOD = "fast", "fast-pcafit"
"""Another texture model, another regressor: what the one depends on and the other does not can be replaced."""
DISK_MIB = 1024
_SKIPPED = "skipped: no right to mount a file system"


@dataclass(frozen=True)
class Case:
    """A collection, and what comes of it when nothing happens."""

    photos: Path
    work: Path
    """For output folders."""
    shard_size: int
    reference: pa.Table = dataclasses.field(default_factory=lambda: pa.table({}))
    seconds: float = 0.0

    def known(self, reference: pa.Table, seconds: float) -> Case:
        """The same, run once without a fault."""
        return dataclasses.replace(self, reference=reference, seconds=seconds)

    def arguments(self, out: Path, method: str = METHOD) -> list[str]:
        """Of `ganfit`."""
        return [
            *("run", str(self.photos), "--out", str(out), "--method", method, "--files", "overlay"),
            *("--shard-size", str(self.shard_size), "--workers", "2", "--batch", "32"),
        ]

    def copy(self, out: Path) -> Path:
        """The finished run's output folder once more."""
        shutil.copytree(self.work / "reference", out)
        return out

    def resumed(self, out: Path, but: Collection[str] = ()) -> dict[str, Any]:
        """Run again to the end, and compare."""
        return {"resumed": Command(*self.arguments(out)).wait().code} | self.compared(out, but)

    def compared(self, out: Path, but: Collection[str] = ()) -> dict[str, Any]:
        """The rows of the folder beside those that should be there, but for those of some units."""
        rows = tables.read(out)
        figures = dataclasses.asdict(compare(_without(self.reference, but), _without(rows, but)))
        figures["columns"] = list(figures["columns"])
        return figures | {"verify": Command("verify", out).wait().code}

    def recomputed(self, out: Path) -> int:
        """Rows that are not from the reference; a file that cannot be read is looked at every time, and not counted."""
        rows = tables.read(out)
        runs = set(self.reference["run_id"].to_pylist())
        pairs = zip(rows["run_id"].to_pylist(), rows["content_sha256"].to_pylist(), strict=True)
        return sum(run not in runs for run, content in pairs if content is not None)


def worker_killed(case: Case, randomness: random.Random) -> dict[str, Any]:
    """A worker is killed twice, as the system does for want of memory; the run goes on with another."""
    out = case.work / "worker-killed"
    command = Command(*case.arguments(out))
    killed = 0
    for _ in range(2):
        if _wait_for(lambda: len(command.workers()) >= 2, command):
            time.sleep(randomness.uniform(0, case.seconds / 4))
        for worker in randomness.sample(command.workers(), min(1, len(command.workers()))):
            worker.send_signal(signal.SIGKILL)
            killed += 1
    return {"killed": killed} | _met(command.wait()) | case.resumed(out)


def main_process_killed(case: Case, randomness: random.Random) -> dict[str, Any]:
    """The command alone is killed: its workers end by themselves, since they may not write beside the next run's."""
    out = case.work / "main-process-killed"
    command = Command(*case.arguments(out))
    _wait_for(lambda: bool(_parts(out)), command)
    workers = command.workers()
    time.sleep(randomness.uniform(0, 2))
    command.process.kill()
    command.process.wait()
    started = time.perf_counter()
    while any(worker.is_running() for worker in workers) and time.perf_counter() - started < 60:
        time.sleep(0.1)
    figures = {"workers": len(workers), "workers_left": sum(worker.is_running() for worker in workers)}
    figures["workers_gone_after_s"] = round(time.perf_counter() - started, 1)
    command.kill()
    return figures | case.resumed(out)


def server_stopped(case: Case, randomness: random.Random) -> dict[str, Any]:
    """The Prefect server goes away while the run reports to it."""
    out = case.work / "server-stopped"
    with prefect_server(case.work / "prefect") as (environment, server):
        command = Command(*case.arguments(out), environment=environment)
        _wait_for(lambda: bool(_parts(out)), command)
        time.sleep(randomness.uniform(0, case.seconds / 4))
        midway = command.running()
        server.kill()
        ended = command.wait()
    return {"midway": midway, "seconds": round(ended.seconds, 1)} | _met(ended) | case.resumed(out)


def disk_full(case: Case, randomness: random.Random) -> dict[str, Any] | str:
    """Something else fills the disk midway; before the start there is too little of it."""
    mount = case.work / "disk"
    with _file_system(mount, 1) as small:
        if not small:
            return _SKIPPED
        too_small = Command(*case.arguments(mount / "out")).wait()
    with _file_system(mount, DISK_MIB):
        out = mount / "out"
        command = Command(*case.arguments(out))
        _wait_for(lambda: bool(_parts(out)), command)
        with (mount / "ballast").open("wb") as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(1 << 20))
                ballast.flush()
        figures = {"too_small_exit": too_small.code} | _met(command.wait())
        (mount / "ballast").unlink()
        return figures | case.resumed(out)


def read_only(case: Case, randomness: random.Random) -> dict[str, Any] | str:
    """The output folder cannot be written, and one part is missing."""
    mount = case.work / "disk"
    with _file_system(mount, DISK_MIB) as mounted:
        if not mounted:
            return _SKIPPED
        out = case.copy(mount / "out")
        randomness.choice(_parts(out)).unlink()
        subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
        met = Command(*case.arguments(out)).wait()
        subprocess.run(["mount", "-o", "remount,rw", mount], check=True)
        return _met(met) | case.resumed(out)


def part_truncated(case: Case, randomness: random.Random) -> dict[str, Any]:
    """Half a part file: its rows are made again."""
    out = case.copy(case.work / "part-truncated")
    part = randomness.choice(_parts(out))
    rows = pyarrow.parquet.read_metadata(part).num_rows
    os.truncate(part, part.stat().st_size // 2)
    return {"rows": rows} | case.resumed(out) | {"recomputed": case.recomputed(out)}


def part_deleted(case: Case, randomness: random.Random) -> dict[str, Any]:
    """A part file is gone: its rows are made again."""
    out = case.copy(case.work / "part-deleted")
    part = randomness.choice(_parts(out))
    rows = pyarrow.parquet.read_metadata(part).num_rows
    part.unlink()
    return {"rows": rows} | case.resumed(out) | {"recomputed": case.recomputed(out)}


def image_changed(case: Case, randomness: random.Random) -> dict[str, Any]:
    """One photograph takes the place of another: its row is made again, and again when it is back.

    The second time it is fitted alone, which rounds differently: its row is left out of the comparison.
    """
    out = case.copy(case.work / "image-changed")
    one, other = randomness.sample(sorted(case.photos.glob("*_*/*.jpg")), 2)
    unit = one.relative_to(case.photos).as_posix()
    before, times = one.read_bytes(), one.stat()
    one.write_bytes(other.read_bytes())
    finished(*case.arguments(out))
    changed, recomputed = tables.read(out), case.recomputed(out)
    contents = changed.filter(pc.equal(changed["unit_id"], unit))["content_sha256"].to_pylist()
    one.write_bytes(before)
    os.utime(one, ns=(times.st_atime_ns, times.st_mtime_ns))
    figures = {"seen": contents == [sha256_of(other)], "recomputed_when_changed": recomputed}
    return figures | case.resumed(out, but=[unit]) | {"recomputed": case.recomputed(out)}


def weights_replaced(case: Case, randomness: random.Random) -> dict[str, Any]:
    """The regressor of one method is another: that method's rows are made again, the other's are not."""
    out, folder = case.copy(case.work / "weights-replaced"), case.work / "assets"
    finished(*case.arguments(out, OTHER_METHOD))
    runs = set(tables.read(out)["run_id"].to_pylist())
    folder.mkdir()
    for path in Path(os.environ["GANFIT_ASSETS"]).iterdir() if "GANFIT_ASSETS" in os.environ else ():
        (folder / path.name).symlink_to(path)
    name = ASSETS["regressor-gan"].filename
    _alter(OPEN_DIRECTORY / name, folder / name)
    for method in (METHOD, OTHER_METHOD):
        finished(*case.arguments(out, method), environment={"GANFIT_ASSETS": str(folder)})
    rows = [row for row in tables.read(out).to_pylist() if row["content_sha256"] is not None]
    anew = [row["method"] for row in rows if row["run_id"] not in runs]
    readable = sum(row["method"] == METHOD for row in rows)
    shutil.rmtree(folder)
    return {
        "readable": readable,
        "recomputed": anew.count(METHOD),
        "recomputed_of_the_other": anew.count(OTHER_METHOD),
        "verify": Command("verify", out).wait().code,
    }


def _alter(source: Path, target: Path) -> None:
    """The same weights but for one number."""
    with safe_open(source, "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    name = next(name for name, tensor in sorted(tensors.items()) if tensor.is_floating_point() and tensor.dim() > 1)
    tensors[name].view(-1)[0] += 1e-3
    save_file(tensors, target, metadata)


def _parts(out: Path) -> list[Path]:
    return sorted((out / tables.RECONSTRUCTIONS).rglob("part-*.parquet"))


def _wait_for(condition: Callable[[], bool], command: Command) -> bool:
    """Wait until the condition holds or the command has ended, and say whether it holds."""
    while not (held := condition()) and command.running():
        time.sleep(0.05)
    return held


def _without(rows: pa.Table, units: Collection[str]) -> pa.Table:
    return rows.filter(pc.invert(pc.is_in(rows["unit_id"], pa.array(units, pa.string()))))


def _met(ended: Ended) -> dict[str, Any]:
    """How the command took the fault: its exit code and, where that is not 0, its message."""
    message = ended.output[ended.output.rfind("ganfit: ") :].partition("\n")[0]
    return {"exit": ended.code} | ({"said": message} if ended.code else {})


@contextlib.contextmanager
def _file_system(mount: Path, mib: int) -> Iterator[bool]:
    """A file system in memory of so many MiB while the block runs; false where it cannot be mounted."""
    mount.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(mount)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", mount], check=True)


FAULTS: dict[str, Callable[[Case, random.Random], dict[str, Any] | str]] = {
    "worker_killed": worker_killed,
    "main_process_killed": main_process_killed,
    "server_stopped": server_stopped,
    "disk_full": disk_full,
    "read_only": read_only,
    "part_truncated": part_truncated,
    "part_deleted": part_deleted,
    "image_changed": image_changed,
    "weights_replaced": weights_replaced,
}
