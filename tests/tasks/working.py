"""Stands in for tasks.worker_process.main: units are words that say what becomes of the process."""

from __future__ import annotations

import logging
import os
import signal
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tasks.job import Job
from tasks.run import Work


def main(connection: Connection, threads: int) -> None:
    """Answer jobs."""
    while True:
        try:
            kind, *content = connection.recv()
        except EOFError:
            os._exit(1)
        try:
            if kind == "lineage":
                _load(connection, content[0].out)
            else:
                _work(connection, content[0])
        except OSError as error:
            connection.send(("error", error))
        else:
            connection.send(("done",))


def _load(connection: Connection, folder: Path) -> None:
    """Die as often as there are files in a folder, of which each death takes one."""
    for file in folder.iterdir():
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    connection.send(("answer", "loaded"))


def _work(connection: Connection, job: Job) -> None:
    for unit in job.units:
        connection.send(("entered", "read", [unit.unit_id]))
        kept: list[Any] = []
        if unit.unit_id == "hangs":
            time.sleep(60)
        elif unit.unit_id == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        elif unit.unit_id == "eats":
            while True:
                kept.append(b"x" * 2**27)
        elif unit.unit_id == "fits long":
            connection.send(("entered", "fit", [unit.unit_id]))
            connection.send(("left", "read", [unit.unit_id]))
            for step in range(25):
                time.sleep(0.1)
                connection.send(("step", "fitting", step, 25))
            connection.send(("left", "fit", [unit.unit_id]))
        elif unit.unit_id == "naps":
            time.sleep(1)
        elif unit.unit_id == "two faces":
            connection.send(("entered", "export", [unit.unit_id]))
            connection.send(("left", "read", [unit.unit_id]))
            connection.send(("entered", "fit", [unit.unit_id]))
            connection.send(("left", "export", [unit.unit_id]))
            time.sleep(60)
        elif unit.unit_id == "logs":
            connection.send(("log", "tasks.reconstruct_units", logging.WARNING, "logs: something is odd"))
        elif unit.unit_id == "disk full":
            raise OSError(28, "No space left on device")
        connection.send(("left", "read", [unit.unit_id]))
        deaf = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        connection.send(("answer", [Work(unit, {"status": "ok", "pid": os.getpid(), "deaf": deaf})]))
