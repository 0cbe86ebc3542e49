"""The command `ganfit` from outside: started, watched and killed; and the rows that it leaves, compared."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa

GANFIT = (str(Path(sysconfig.get_path("scripts"), "ganfit")),)
VARYING = ("run_id", "created_at", "seconds", "code_version")
"""Columns that tell of the run rather than of its results."""
LIMIT_S = 4 * 3600
"""A command that takes longer hangs."""
_QUIET = {"DO_NOT_TRACK": "1", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "COLUMNS": "200"}


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    """Its exit code; negative for the signal that ended it."""
    output: str
    """Both streams."""
    seconds: float
    cpu_seconds: float
    """Of the command and of the processes that it waited for."""


class Command:
    """A run of the command in a process group of its own."""

    def __init__(
        self,
        *arguments: object,
        environment: Mapping[str, str | None] | None = None,
        program: Sequence[str] = GANFIT,
    ) -> None:
        """Start it; `environment` holds what differs from this process's, None for what is taken away."""
        changed = {**os.environ, **_QUIET, "PREFECT_API_URL": None, **(environment or {})}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  it is read once the process has ended
        self._started, self._cpu = time.perf_counter(), _cpu_of_children()
        self.process = subprocess.Popen(
            [*program, *map(str, arguments)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={name: value for name, value in changed.items() if value is not None},
        )

    def wait(self, timeout: float = LIMIT_S) -> Ended:
        """Wait for its end. Raises subprocess.TimeoutExpired, having killed it, where it hangs."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        seconds, cpu = time.perf_counter() - self._started, _cpu_of_children() - self._cpu
        self._log.seek(0)
        with self._log:
            return Ended(code, self._log.read().decode(errors="replace"), seconds, cpu)

    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """`kill -9` of the whole process group: of the command and of all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def workers(self) -> list[psutil.Process]:
        """Its child processes that compute, in the order in which they were started."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [child for child in children if _computes(child)]
        return []


def finished(*arguments: object, environment: Mapping[str, str | None] | None = None) -> Ended:
    """Run `ganfit` to its end. Raises RuntimeError, with what it said, for an exit code other than 0."""
    ended = Command(*arguments, environment=environment).wait()
    if ended.code != 0:
        raise RuntimeError(f"ganfit {' '.join(map(str, arguments))} ended with {ended.code}:\n{ended.output}")
    return ended


@dataclass(frozen=True)
class Difference:
    """How a table departs from the one that should be there."""

    lost: int
    """Units without a row."""
    doubled: int
    """Rows too many of units that should have one."""
    differing: int
    """Units whose row says something else, and rows of units that should not be there."""
    columns: tuple[str, ...]
    """Where the rows differ."""


def compare(wanted: pa.Table, got: pa.Table) -> Difference:
    """Rows with rows, one per method and unit, bit by bit; the columns `VARYING` may differ.

    So may the shard of a file that cannot be read: every run looks at it again.
    """
    one, other = _by_unit(wanted), _by_unit(got)
    common = one.keys() & other.keys()
    columns = {
        name
        for key in common
        for row in other[key]
        for name in one[key][0].keys() | row.keys()
        if repr(one[key][0].get(name)) != repr(row.get(name))  # repr: NaN is as good as NaN, 0.0 is not -0.0
    }
    return Difference(
        lost=len(one.keys() - other.keys()),
        doubled=sum(len(rows) - 1 for rows in other.values()),
        differing=sum(any(repr(one[key][0]) != repr(row) for row in other[key]) for key in common)
        + len(other.keys() - one.keys()),
        columns=tuple(sorted(columns)),
    )


def _by_unit(table: pa.Table) -> dict[tuple[str, str], list[dict[str, object]]]:
    kept = table.drop_columns([name for name in VARYING if name in table.column_names])
    units: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
    for row in kept.select(sorted(kept.column_names)).to_pylist():
        if row["content_sha256"] is None:
            row["shard"] = None
        units[row["method"], row["unit_id"]].append(row)
    return units


@contextlib.contextmanager
def prefect_server(home: Path) -> Iterator[tuple[dict[str, str | None], Command]]:
    """A Prefect server of its own while the block runs: the environment that names it, and the server.

    Raises RuntimeError where it does not answer within a minute.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    environment: dict[str, str | None] = {"PREFECT_HOME": str(home), "PREFECT_API_URL": url}
    program = (sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port))
    server = Command(environment={"PREFECT_HOME": str(home)}, program=program)
    try:
        _wait_until_it_answers(f"{url}/health", server)
        yield environment, server
    finally:
        server.kill()


def _wait_until_it_answers(url: str, server: Command) -> None:
    for _ in range(120):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if not server.running():
            raise RuntimeError(f"the Prefect server ended: {server.wait().output}")
        time.sleep(0.5)
    raise RuntimeError("the Prefect server does not answer")


def _computes(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return "spawn_main" in " ".join(process.cmdline())  # how multiprocessing starts a process, and not its tracker
    return False


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
