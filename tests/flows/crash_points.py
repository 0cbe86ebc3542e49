"""A run that dies, or finds the disk full, at each step of writing in turn, and is then resumed.

    python -m tests.flows.crash_points PHOTOS FOLDER killed|full

A step is a file forced to disk; one renamed or removed is one too, for who dies. Each attempt is a fork of this
process, which has imported all that takes seconds. The last line is one JSON object: how many steps there were, how the
rows departed from those of a run that nothing happens to, and what `ganfit verify` found.
"""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tasks.models
from benchmarks._command import Difference, compare
from data import tables
from data.verification import verify
from flows.reconstruct import reconstruct
from tests.flows import fake_run

STEPS = {"killed": ("fsync", "replace", "unlink"), "full": ("fsync",)}
"""Functions of os that meet the fault."""
_MOST = 500


def die() -> None:
    """As by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


def find_no_room() -> None:
    """As the system does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FAULTS = {"killed": die, "full": find_no_room}


def run(photos: Path, out: Path) -> None:
    """What `ganfit run` does, in this process."""
    reconstruct.fn([str(photos)], out, method="fast", shard_size=4, batch=4, files="none", isolated=False)


def attempt(photos: Path, out: Path, fault: str | None = None, step: int = 0) -> int:
    """Run in a fork, with the fault at this step and, where it does not end the process, at all that follow.

    The exit code: 0 for a run that ended well, 1 for one that raised, negative for a signal.
    """
    child = os.fork()
    if child == 0:
        if fault is not None:
            _meet(fault, step)
        code = 0
        try:
            run(photos, out)
        except Exception:
            traceback.print_exc()
            code = 1
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(photos: Path, folder: Path, name: str) -> None:
    """Try every step, and print."""
    assert attempt(photos, folder / "reference") == 0
    wanted = tables.read(folder / "reference")
    total, findings = Difference(0, 0, 0, ()), set()
    for step in range(_MOST):
        out = folder / f"{name}-{step}"
        code = attempt(photos, out, name, step)
        if code == 0:
            break
        assert code in (1, -signal.SIGKILL), (step, code)
        assert attempt(photos, out) == 0, step
        total = _sum(total, compare(wanted, tables.read(out)))
        findings |= {finding.kind for finding in verify(out)}
        shutil.rmtree(out)
    sys.stdout.write(json.dumps({"steps": step, "findings": sorted(findings)} | dataclasses.asdict(total)))


def _meet(name: str, step: int) -> None:
    taken = iter(range(step))

    def faulty(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(taken, None) is None:
                FAULTS[name]()
            return function(*arguments, **options)

        return call

    for function in STEPS[name]:
        setattr(os, function, faulty(getattr(os, function)))


def _sum(one: Difference, other: Difference) -> Difference:
    return Difference(
        one.lost + other.lost,
        one.doubled + other.doubled,
        one.differing + other.differing,
        tuple(sorted({*one.columns, *other.columns})),
    )


if __name__ == "__main__":
    tasks.models.load_models = fake_run.load_models
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
